/**
 * The Merkle tree of RFC 9162 section 2.1, kept as C2SP tiles: 256 hashes a tile, full tiles in the store, the unfinished
 * tile of each level in memory. Appending a leaf adds one hash; every 256th leaf writes one tile and adds one hash a level
 * up. So an append at ten million leaves costs what it costs at ten thousand.
 *
 * The memory holds nothing the store does not: after a rolled-back commit, or at start, it is loaded again.
 */

import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { proveMany } from '../../src/merkle/multiproof.ts';
import { proveConsistency, proveInclusion } from '../../src/merkle/proof.ts';
import { hashLeaf, hashNode } from '../crypto/hash.ts';
import type { LogStore } from '../store/log-store.ts';
import { TileCache } from './tile-cache.ts';
import { subtreeOf, TILE_HEIGHT, TILE_WIDTH } from './tile-math.ts';

/** The tree over everything committed. One writer; readers see only sizes that the caller knows to be committed. */
export class LogTree {
  readonly #store: LogStore;
  readonly #tiles: TileCache;
  /** Per level: the hashes of its unfinished tile, fewer than 256. */
  #partial: Uint8Array[][] = [];
  #size = 0;

  constructor(store: LogStore) {
    this.#store = store;
    this.#tiles = new TileCache(store);
    this.reload();
  }

  get size(): number {
    return this.#size;
  }

  /** Takes in what another connection has committed since. Called by readers before they ask. */
  catchUp(): void {
    if (this.#store.size() !== this.#size) this.reload();
  }

  /** Takes the state from the store. */
  reload(): void {
    this.#size = this.#store.size();
    this.#partial = [];
    let width = this.#size;
    for (let level = 0; width > 0; level++) {
      const begin = width - (width % TILE_WIDTH);
      this.#partial.push(
        level === 0
          ? this.#store.entryHashes(begin, width).map(hashLeaf)
          : this.#store.tileRoots(level - 1, begin, width),
      );
      width = Math.floor(width / TILE_WIDTH);
    }
  }

  /** Appends one leaf inside the caller's transaction; if that rolls back, call `reload`. */
  append(entry: Uint8Array): void {
    let hash = hashLeaf(entry);
    for (let level = 0; ; level++) {
      const tile = this.#level(level);
      tile.push(hash);
      if (tile.length < TILE_WIDTH) break;
      hash = subtreeOf(tile);
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
      this.#store.insertTile(level, index, hash, Buffer.concat(tile));
      this.#partial[level] = [];
    }
    this.#size += 1;
  }

  /** The root over all leaves; SHA-256 of nothing when there are none. */
  root(): Uint8Array {
    let right: Uint8Array | undefined;
    for (const tile of this.#partial) {
      for (const peak of peaksOf(tile).reverse()) right = right === undefined ? peak : hashNode(peak, right);
    }
    return right ?? EMPTY_ROOT;
  }

  inclusionProof(index: number, size: number): Uint8Array[] {
    return proveInclusion(this.#node, index, size, hashNode);
  }

  consistencyProof(from: number, to: number): Uint8Array[] {
    return proveConsistency(this.#node, from, to, hashNode);
  }

  multiproof(indices: readonly number[], size: number): Uint8Array[] {
    return proveMany(this.#node, indices, size, hashNode);
  }

  /** The first `width` hashes of a tile, as served under C2SP tlog-tiles; undefined when the log is not that far. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const full = this.#tiles.hashes(level, index);
    if (full !== undefined) return full.subarray(0, width * 32);
    const current = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
    const partial = index === current ? (this.#partial[level] ?? []) : [];
    return partial.length >= width ? Buffer.concat(partial.slice(0, width)) : undefined;
  }

  /** The root of the complete subtree of 2^level leaves, the index-th of its level. */
  readonly #node = (level: number, index: number): Uint8Array => {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const height = level % TILE_HEIGHT;
    const perTile = TILE_WIDTH / 2 ** height;
    const tileIndex = Math.floor(index / perTile);
    const within = index % perTile;
    const full = this.#tiles.node(tileLevel, tileIndex, height, within);
    if (full !== undefined) return full;
    const hashes = (this.#partial[tileLevel] ?? []).slice(within * 2 ** height, (within + 1) * 2 ** height);
    if (hashes.length !== 2 ** height)
      throw new RangeError(`node ${level}/${index} is beyond the log of ${this.#size} leaves`);
    return subtreeOf(hashes);
  };

  #level(level: number): Uint8Array[] {
    const existing = this.#partial[level];
    if (existing !== undefined) return existing;
    const created: Uint8Array[] = [];
    this.#partial[level] = created;
    return created;
  }
}

/** Roots of the complete subtrees that `hashes` falls into, left to right. */
function peaksOf(hashes: readonly Uint8Array[]): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  let begin = 0;
  for (let height = TILE_HEIGHT - 1; height >= 0; height--) {
    if ((hashes.length & (1 << height)) === 0) continue;
    peaks.push(subtreeOf(hashes.slice(begin, begin + (1 << height))));
    begin += 1 << height;
  }
  return peaks;
}
