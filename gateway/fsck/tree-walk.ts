/**
 * Rebuilds the Merkle tree (RFC 9162 section 2.1) from its leaves, once, and holds every stored tile, checkpoint and
 * other root against it on the way. Memory: one tile a level, whatever the size.
 */
import { equalBytes } from '../../src/bytes.ts';
import { Frontier } from '../../src/merkle/frontier.ts';
import { TILE_WIDTH, tilePath } from '../../src/tile.ts';
import type { FsckContext } from './context.ts';

const HASH_BYTES = 32;
/** Levels of the tree in one tile. */
const TILE_HEIGHT = 8;

interface TileRow {
  readonly root: Uint8Array;
  readonly hashes: Uint8Array;
}

/** The stored tile that is being compared, on one level. */
interface OpenTile {
  readonly index: number;
  readonly row: TileRow | undefined;
  /** How many of its hashes differ, and the first of them. */
  wrong: number;
  firstWrong: number;
}

export class TreeWalk {
  readonly #context: FsckContext;
  readonly #tile;
  readonly #frontier = new Frontier();
  readonly #open: OpenTile[] = [];
  #lost = false;

  constructor(context: FsckContext) {
    this.#context = context;
    this.#tile = context.db.prepare<[number, number], TileRow>(
      'SELECT root, hashes FROM tiles WHERE level = ? AND idx = ?',
    );
  }

  /** Leaves so far. */
  get size(): number {
    return this.#frontier.size;
  }

  /** True from a leaf on that neither an entry nor a tile holds: nothing after it can be computed. */
  get lost(): boolean {
    return this.#lost;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  /**
   * Adds the next leaf. Of several candidates the one the stored tile holds is taken, so that one damaged row is
   * reported as that row and not as a wrong tree above it; without any, the tile's own.
   */
  append(candidates: readonly Uint8Array[]): void {
    if (this.#lost) return;
    const stored = this.#storedLeaf(this.size);
    const agreed = stored && candidates.find((candidate) => equalBytes(candidate, stored));
    const leaf = agreed ?? candidates[0] ?? stored;
    if (leaf === undefined) {
      this.#lost = true;
      return;
    }
    this.#frontier.append(leaf, (level, index, hash) => this.#completed(level, index, hash));
  }

  /** Reports stored tiles that no log of this size has. */
  finish(): void {
    const { db, findings, size } = this.#context;
    const stray = db
      .prepare<[], { level: number; idx: number }>('SELECT level, idx FROM tiles ORDER BY level, idx')
      .iterate();
    for (const { level, idx } of stray) {
      if (level >= 0 && idx >= 0 && (idx + 1) * TILE_WIDTH ** (level + 1) <= size) continue;
      findings.add(
        'tile-extra',
        `tile ${level}/${idx} is stored, but the log of ${size} entries has no such full tile`,
      );
    }
  }

  #completed(level: number, index: number, hash: Uint8Array): void {
    if (level % TILE_HEIGHT !== 0) return;
    const tileLevel = level / TILE_HEIGHT;
    if (tileLevel > 0) this.#closeTile(tileLevel - 1, index, hash);
    this.#compare(tileLevel, index, hash);
  }

  #compare(level: number, index: number, hash: Uint8Array): void {
    const tile = this.#tileAt(level, Math.floor(index / TILE_WIDTH));
    const at = index % TILE_WIDTH;
    const stored = tile.row?.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    if (stored === undefined || equalBytes(stored, hash)) return;
    if (tile.wrong === 0) tile.firstWrong = at;
    tile.wrong += 1;
  }

  #closeTile(level: number, index: number, root: Uint8Array): void {
    const { findings, checked } = this.#context;
    const { row, wrong, firstWrong } = this.#tileAt(level, index);
    const name = tilePath(level, index);
    checked.tiles += 1;
    if (row === undefined) {
      findings.add('tile-missing', `${name} is not stored`);
      return;
    }
    if (row.hashes.length !== TILE_WIDTH * HASH_BYTES)
      findings.add(
        'tile-hashes-wrong',
        `${name} holds ${row.hashes.length} bytes instead of ${TILE_WIDTH * HASH_BYTES}`,
      );
    else if (wrong > 0)
      findings.add(
        'tile-hashes-wrong',
        `${name}: ${wrong} of its hashes differ from the tree, the first at ${firstWrong}`,
      );
    if (!equalBytes(row.root, root))
      findings.add('tile-root-wrong', `${name}: the root stored beside it is not the root of its leaves`);
  }

  #storedLeaf(index: number): Uint8Array | undefined {
    const { row } = this.#tileAt(0, Math.floor(index / TILE_WIDTH));
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    const hash = row?.hashes.subarray(at, at + HASH_BYTES);
    return hash?.length === HASH_BYTES ? hash : undefined;
  }

  /** Only full tiles are stored: what stands where none can be is for `finish` to report. */
  #tileAt(level: number, index: number): OpenTile {
    const open = this.#open[level];
    if (open?.index === index) return open;
    const isFull = (index + 1) * TILE_WIDTH ** (level + 1) <= this.#context.size;
    const row = isFull ? this.#tile.get(level, index) : undefined;
    const fresh: OpenTile = { index, row, wrong: 0, firstWrong: 0 };
    this.#open[level] = fresh;
    return fresh;
  }
}
