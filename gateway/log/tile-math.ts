/** The arithmetic of tiles (C2SP tlog-tiles): 256 hashes wide, eight levels of the tree high. */
import { hashNode } from '../crypto/hash.ts';

export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;

/** One level up: hashes in pairs. The number of hashes must be even. */
export function parentsOf(hashes: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i < hashes.length; i += 2)
    parents.push(hashNode(hashes[i] as Uint8Array, hashes[i + 1] as Uint8Array));
  return parents;
}

/** The root over a power of two of hashes. */
export function subtreeOf(hashes: readonly Uint8Array[]): Uint8Array {
  let level = hashes;
  while (level.length > 1) level = parentsOf(level);
  return level[0] as Uint8Array;
}
