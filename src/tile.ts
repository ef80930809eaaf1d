/** Paths, geometry and entry bundles of C2SP tlog-tiles (c2sp.org/tlog-tiles). */
import { concatBytes } from './bytes.ts';
import { assertCount, isCount } from './merkle/shape.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
const MAX_LEVEL = 63;
const MAX_ENTRY_BYTES = 0xffff;
const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Level of a tile of hashes, 0 to 63, or the bundles of entries. */
export type TileLevel = number | 'entries';

export interface TilePath {
  readonly level: TileLevel;
  /** Position of the tile within its level, from 0. */
  readonly index: number;
  /** Hashes or entries in it, 1 to 256; less than 256 is a partial tile. */
  readonly width: number;
}

/**
 * `tile/<level>/<index>[.p/<width>]`, relative to the log's URL; index 1234067 is written `x001/x234/067`.
 * @throws RangeError naming the argument that is out of range.
 */
export function tilePath(level: TileLevel, index: number, width: number = TILE_WIDTH): string {
  if (level !== 'entries') assertCount('level', level, 0, MAX_LEVEL);
  assertCount('index', index, 0, Number.MAX_SAFE_INTEGER);
  assertCount('width', width, 1, TILE_WIDTH);
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const number = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${number}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Reads what `tilePath` writes and nothing else: one tile has one path. */
export function parseTilePath(path: string): Parsed<TilePath> {
  // attacker-controlled
  const [, levelText, indexText = '', widthText] = PATH.exec(path) ?? [];
  if (levelText === undefined) return reject('malformed', 'not the path of a tile');
  const level = levelText === 'entries' ? levelText : Number(levelText);
  const index = Number(indexText.replaceAll(/[x/]/g, ''));
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  const inRange = (level === 'entries' || level <= MAX_LEVEL) && isCount(index) && width <= TILE_WIDTH;
  // Writing it again refuses superfluous zero groups and `.p/256`.
  if (!inRange || tilePath(level, index, width) !== path) {
    return reject('malformed', 'tile path is out of range or not in its shortest form');
  }
  return ok({ level, index, width });
}

/**
 * How many hashes (or entries) the tile has in a tree of `size` leaves: 0 when it does not exist yet, 256 when it
 * is full. Hash i of a tile is the complete subtree of 256^level leaves number index * 256 + i.
 */
export function tileWidth(level: TileLevel, index: number, size: number): number {
  const nodes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.min(TILE_WIDTH, Math.max(0, nodes - index * TILE_WIDTH));
}

/**
 * An entry bundle: each entry behind its length as a big-endian uint16.
 * @throws RangeError when there are more than 256 entries or one has more than 65,535 bytes.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  assertCount('entries.length', entries.length, 0, TILE_WIDTH);
  return concatBytes(
    ...entries.flatMap((entry) => {
      assertCount('entry.length', entry.length, 0, MAX_ENTRY_BYTES);
      return [Uint8Array.of(entry.length >>> 8, entry.length & 0xff), entry];
    }),
  );
}
