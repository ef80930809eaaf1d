/** Full tiles as proofs need them: every node inside, computed once. Tiles never change, so nothing is ever invalidated. */
import type { LogStore } from '../store/log-store.ts';
import { parentsOf, TILE_HEIGHT } from './tile-math.ts';

/** 64 expanded tiles are about 2 MB: the upper tiles of any proof and the recent ones. No basis yet but size. */
const CAPACITY = 64;
const HASH_BYTES = 32;

type Levels = readonly (readonly Uint8Array[])[];

export class TileCache {
  readonly #store: LogStore;
  readonly #tiles = new Map<string, Levels>();

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** The stored bytes of a full tile, or undefined. */
  hashes(level: number, index: number): Uint8Array | undefined {
    return this.#store.tile(level, index);
  }

  /** The node `height` levels above the tile's hashes, the `within`-th there; undefined when the tile is not full. */
  node(level: number, index: number, height: number, within: number): Uint8Array | undefined {
    return this.#expanded(level, index)?.[height]?.[within];
  }

  #expanded(level: number, index: number): Levels | undefined {
    const key = `${level}/${index}`;
    const cached = this.#tiles.get(key);
    if (cached !== undefined) {
      this.#tiles.delete(key); // back to the young end
      this.#tiles.set(key, cached);
      return cached;
    }
    const bytes = this.#store.tile(level, index);
    if (bytes === undefined) return undefined;
    const levels = expand(bytes);
    this.#tiles.set(key, levels);
    if (this.#tiles.size > CAPACITY) this.#tiles.delete(this.#tiles.keys().next().value as string);
    return levels;
  }
}

function expand(bytes: Uint8Array): Levels {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES)
    hashes.push(Uint8Array.from(bytes.subarray(at, at + HASH_BYTES)));
  const levels = [hashes];
  for (let height = 1; height < TILE_HEIGHT; height++)
    levels.push(parentsOf(levels[height - 1] as Uint8Array[]));
  return levels;
}
