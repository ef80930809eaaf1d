/** Trees for tests: stored complete subtrees, as a log keeps them. */
import { utf8ToBytes } from '../../bytes.ts';
import { Frontier } from '../frontier.ts';
import { hashLeaf } from '../hash.ts';
import type { NodeReader } from '../shape.ts';

/** Distinct leaf hashes. */
export function makeLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => hashLeaf(utf8ToBytes(`leaf ${index}`)));
}

/** Reads the complete subtrees over `leaves`; asking for one that is not complete fails the test. */
export function storeNodes(leaves: readonly Uint8Array[]): NodeReader {
  const nodes = new Map<string, Uint8Array>();
  const frontier = new Frontier();
  for (const leaf of leaves) {
    frontier.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  }
  return (level, index) => {
    const node = nodes.get(`${level}/${index}`);
    if (node === undefined) throw new Error(`subtree ${level}/${index} is not complete`);
    return node;
  };
}

/** A copy with one bit changed. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

/**
 * A tree too large to store, all of whose leaves are the same: each level has one node, kept once.
 * Makes proofs for sizes up to 2^53 - 1.
 */
export function uniformNodes(leaf: Uint8Array): NodeReader {
  const levels = [leaf];
  return (level) => {
    for (let next = levels.length; next <= level; next++) {
      const frontier = Frontier.fromPeaks(1, [levels[next - 1] as Uint8Array]);
      frontier.append(levels[next - 1] as Uint8Array);
      levels.push(frontier.root());
    }
    return levels[level] as Uint8Array;
  };
}
