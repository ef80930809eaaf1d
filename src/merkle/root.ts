import { EMPTY_ROOT, type HashNode, hashNode } from './hash.ts';
import { leftLeaves } from './shape.ts';

/**
 * Root of a list of leaf hashes by the definition of RFC 9162 section 2.1.1. Every leaf is hashed again on
 * each call: the reference for tests and small trees; a log keeps a `Frontier`.
 */
export function computeRoot(leafHashes: readonly Uint8Array[], hash: HashNode = hashNode): Uint8Array {
  const rootOf = (start: number, end: number): Uint8Array => {
    if (end - start === 1) return Uint8Array.from(leafHashes[start] as Uint8Array);
    const middle = start + leftLeaves(end - start);
    return hash(rootOf(start, middle), rootOf(middle, end));
  };
  return leafHashes.length === 0 ? Uint8Array.from(EMPTY_ROOT) : rootOf(0, leafHashes.length);
}
