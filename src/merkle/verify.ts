/**
 * Checking RFC 9162 proofs. Everything handed in may be hostile: what does not fit is `false` or
 * `undefined`, never an exception, after at most 54 hashes.
 */
import { equalBytes } from '../bytes.ts';
import { EMPTY_ROOT, hashNode, isHash } from './hash.ts';
import { isCount } from './shape.ts';

export interface InclusionProof {
  /** Leaf hash, 32 bytes. */
  readonly leafHash: Uint8Array;
  /** Position of the leaf, from 0. */
  readonly index: number;
  /** Number of leaves of the tree. */
  readonly size: number;
  /** The leaf's sibling first. */
  readonly path: readonly Uint8Array[];
}

export interface ConsistencyClaim {
  readonly fromSize: number;
  readonly fromRoot: Uint8Array;
  readonly toSize: number;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * The root an inclusion proof leads to (RFC 9162 section 2.1.3.2), or `undefined` when the path cannot be
 * that of leaf `index` among `size`.
 *
 * The root does not tell index and size: different pairs have paths of one shape. Who needs them to be true
 * must know the size that belongs to the root from elsewhere (a checkpoint, an anchor); then the index is fixed.
 */
export function rootFromInclusionProof(proof: InclusionProof): Uint8Array | undefined {
  const { leafHash, index, size, path } = proof;
  if (!isHash(leafHash) || !isCount(index) || !isCount(size) || index >= size || !isHashes(path)) {
    return undefined;
  }
  let node = leafHash;
  let position = index;
  let last = size - 1;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (position % 2 === 1 || position === last) {
      node = hashNode(sibling, node);
      // On the right edge: levels on which this node has no sibling are skipped.
      while (position % 2 === 0 && position > 0) [position, last] = [position / 2, half(last)];
    } else {
      node = hashNode(node, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 ? Uint8Array.from(node) : undefined;
}

/** Whether `path` proves that `leafHash` is leaf `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(proof: InclusionProof & { readonly root: Uint8Array }): boolean {
  const root = rootFromInclusionProof(proof);
  return root !== undefined && isHash(proof.root) && equalBytes(root, proof.root);
}

/**
 * Whether the tree (toSize, toRoot) starts with the tree (fromSize, fromRoot), RFC 9162 section 2.1.4.2.
 * From size 0 the proof is empty and `fromRoot` the root of the empty tree.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { fromSize, fromRoot, toSize, toRoot, proof } = claim;
  if (!isCount(fromSize) || !isCount(toSize) || fromSize > toSize) return false;
  if (!isHash(fromRoot) || !isHash(toRoot) || !isHashes(proof)) return false;
  if (fromSize === toSize) {
    return proof.length === 0 && equalBytes(fromRoot, toRoot) && (toSize > 0 || isEmptyRoot(toRoot));
  }
  if (fromSize === 0) return proof.length === 0 && isEmptyRoot(fromRoot);
  const roots = rootsFromConsistencyProof(fromSize, fromRoot, toSize, proof);
  return roots !== undefined && equalBytes(roots.from, fromRoot) && equalBytes(roots.to, toRoot);
}

function rootsFromConsistencyProof(
  fromSize: number,
  fromRoot: Uint8Array,
  toSize: number,
  proof: readonly Uint8Array[],
): { from: Uint8Array; to: Uint8Array } | undefined {
  let position = fromSize - 1;
  let last = toSize - 1;
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  // A complete old tree is a node of the new one, and the proof leaves it out.
  const nodes = position === 0 ? [fromRoot, ...proof] : proof;
  const [first, ...rest] = nodes;
  if (first === undefined) return undefined;
  let from = first;
  let to = first;
  for (const node of rest) {
    if (last === 0) return undefined;
    if (position % 2 === 1 || position === last) {
      from = hashNode(node, from);
      to = hashNode(node, to);
      while (position % 2 === 0 && position > 0) [position, last] = [position / 2, half(last)];
    } else {
      to = hashNode(to, node);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 ? { from, to } : undefined;
}

function isEmptyRoot(root: Uint8Array): boolean {
  return equalBytes(root, EMPTY_ROOT);
}

/** Longer lists than any tree has levels are refused before their elements are looked at. */
function isHashes(value: unknown): value is readonly Uint8Array[] {
  return Array.isArray(value) && value.length <= 54 && value.every(isHash);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
