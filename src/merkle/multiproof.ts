/**
 * One proof for several leaves of one RFC 9162 tree.
 *
 * The proof is a list of nodes. Walk the tree of `size` leaves depth first, left before right, from the root;
 * the children of a node over n > 1 leaves are its first k and its last n - k leaves, k the largest power of
 * two below n (RFC 9162 section 2.1.1):
 * - a node none of whose leaves is proven is emitted, and not entered;
 * - a single proven leaf is passed over: the verifier has it;
 * - any other node is entered.
 *
 * So each emitted node is a maximal subtree without a proven leaf. For given indices and size the number of
 * nodes and their order are fixed: nothing can be left out, added or reordered. For one leaf the nodes are those of its
 * inclusion proof, ordered left to right instead of from the leaf up.
 */
import { equalBytes } from '../bytes.ts';
import { type HashNode, hashNode, isHash } from './hash.ts';
import { assertCount, isCount, leftLeaves, type NodeReader, rangeRoot } from './shape.ts';

export interface ProvenLeaf {
  /** Position of the leaf, from 0. */
  readonly index: number;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
}

export interface Multiproof {
  /** At least one, strictly ascending by index. */
  readonly leaves: readonly ProvenLeaf[];
  readonly size: number;
  /** Nodes in the order defined above. */
  readonly proof: readonly Uint8Array[];
}

/**
 * Proves leaves in the tree of the first `size` leaves. Reads complete subtrees only.
 * @throws RangeError unless `indices` are at least one, strictly ascending and below `size`.
 */
export function proveMany(
  read: NodeReader,
  indices: readonly number[],
  size: number,
  hash: HashNode = hashNode,
): Uint8Array[] {
  assertIndices(indices, size);
  const proof: Uint8Array[] = [];
  /** Covers the leaves [start, end) of the tree, in which the indices [from, to) of the list are proven. */
  const walk = (start: number, end: number, from: number, to: number): void => {
    if (from === to) {
      proof.push(rangeRoot(read, start, end, hash));
      return;
    }
    if (end - start === 1) return;
    const middle = start + leftLeaves(end - start);
    const split = firstFrom(indices, middle, from, to);
    walk(start, middle, from, split);
    walk(middle, end, split, to);
  };
  walk(0, size, 0, indices.length);
  return proof;
}

/**
 * The root a multiproof leads to, or `undefined` when leaves, size and number of nodes do not fit.
 *
 * Hostile input is bounded by its own length: at most 107 steps for each leaf, at a depth of at most 54,
 * whatever size it claims. As with an inclusion proof, only a size known from elsewhere makes the indices true.
 */
export function rootFromMultiproof(
  multiproof: Multiproof,
  hash: HashNode = hashNode,
): Uint8Array | undefined {
  const { leaves, size, proof } = multiproof;
  if (!isCount(size) || !areLeaves(leaves, size)) return undefined;
  if (!Array.isArray(proof) || !proof.every(isHash)) return undefined;
  const indices = leaves.map((leaf) => leaf.index);
  let used = 0;
  const rootOf = (start: number, end: number, from: number, to: number): Uint8Array | undefined => {
    if (from === to) return proof[used++];
    if (end - start === 1) return leaves[from]?.leafHash;
    const middle = start + leftLeaves(end - start);
    const split = firstFrom(indices, middle, from, to);
    const left = rootOf(start, middle, from, split);
    const right = left && rootOf(middle, end, split, to);
    return left && right && hash(left, right);
  };
  const root = rootOf(0, size, 0, leaves.length);
  return root !== undefined && used === proof.length ? Uint8Array.from(root) : undefined;
}

/** Whether the nodes prove every leaf to be in the tree of `size` leaves with this root. Never throws. */
export function verifyMany(claim: Multiproof & { readonly root: Uint8Array }): boolean {
  const root = rootFromMultiproof(claim);
  return root !== undefined && isHash(claim.root) && equalBytes(root, claim.root);
}

/** Position in `indices` of the first one that is at least `bound`, looked for in [from, to). */
function firstFrom(indices: readonly number[], bound: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((indices[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assertIndices(indices: readonly number[], size: number): void {
  assertCount('size', size, 1, Number.MAX_SAFE_INTEGER);
  if (indices.length === 0) throw new RangeError('indices must not be empty');
  let previous = -1;
  for (const index of indices) {
    assertCount('indices', index, previous + 1, size - 1);
    previous = index;
  }
}

function areLeaves(leaves: unknown, size: number): leaves is readonly ProvenLeaf[] {
  if (!Array.isArray(leaves) || leaves.length === 0) return false;
  let previous = -1;
  for (const leaf of leaves as readonly (Partial<ProvenLeaf> | null | undefined)[]) {
    const { index, leafHash } = leaf ?? {};
    if (!isHash(leafHash) || !isCount(index) || index <= previous || index >= size) return false;
    previous = index;
  }
  return true;
}
