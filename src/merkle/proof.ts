/** Making RFC 9162 proofs from stored complete subtrees. */
import { type HashNode, hashNode } from './hash.ts';
import { assertCount, leftLeaves, type NodeReader, rangeRoot } from './shape.ts';

export type { NodeReader } from './shape.ts';

/**
 * Inclusion proof of leaf `index` in the tree of the first `size` leaves, leaf's sibling first
 * (RFC 9162 section 2.1.3.1). Reads O(log size) complete subtrees.
 * @throws RangeError unless 0 <= index < size.
 */
export function proveInclusion(
  read: NodeReader,
  index: number,
  size: number,
  hash: HashNode = hashNode,
): Uint8Array[] {
  assertCount('size', size, 1, Number.MAX_SAFE_INTEGER);
  assertCount('index', index, 0, size - 1);
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + leftLeaves(end - start);
    if (index < middle) {
      fromRoot.push(rangeRoot(read, middle, end, hash));
      end = middle;
    } else {
      fromRoot.push(rangeRoot(read, start, middle, hash));
      start = middle;
    }
  }
  return fromRoot.reverse();
}

/**
 * Proof that the tree of `to` leaves starts with the tree of `from` leaves (RFC 9162 section 2.1.4.1).
 * Empty when `from` is 0 or equals `to`: every tree starts with the empty one and with itself.
 * @throws RangeError unless 0 <= from <= to.
 */
export function proveConsistency(
  read: NodeReader,
  from: number,
  to: number,
  hash: HashNode = hashNode,
): Uint8Array[] {
  assertCount('to', to, 0, Number.MAX_SAFE_INTEGER);
  assertCount('from', from, 0, to);
  if (from === 0) return [];
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let end = to;
  while (end !== from) {
    const middle = start + leftLeaves(end - start);
    if (from <= middle) {
      fromRoot.push(rangeRoot(read, middle, end, hash));
      end = middle;
    } else {
      fromRoot.push(rangeRoot(read, start, middle, hash));
      start = middle;
    }
  }
  // The verifier has the old root itself; it needs this node only when it is a part of the old tree.
  if (start > 0) fromRoot.push(rangeRoot(read, start, end, hash));
  return fromRoot.reverse();
}
