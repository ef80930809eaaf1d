/** What docs/vectors/merkle-proofs.json holds. */
import { type ConsistencyVector, makeConsistencyVectors } from './consistency-vectors.ts';
import { type InclusionVector, makeInclusionVectors } from './inclusion-vectors.ts';

export interface MerkleProofVectorFile {
  readonly about: string;
  readonly consistency: readonly ConsistencyVector[];
  readonly inclusion: readonly InclusionVector[];
}

const ABOUT =
  'RFC 9162 section 2.1 over SHA-256. consistency: whether the tree (toSize, toRoot) begins with the tree (fromSize, ' +
  'fromRoot) by this proof, and what ReadingLog.anchor answers where the latter is the head. inclusion: whether the leaf is ' +
  'the index-th of the tree (size, root) by this path. Trees of up to 40 leaves hash the entries "leaf 0", "leaf 1" and so ' +
  'on; larger ones hash "leaf 0" for every leaf.';

export function makeMerkleProofVectors(): MerkleProofVectorFile {
  return { about: ABOUT, consistency: makeConsistencyVectors(), inclusion: makeInclusionVectors() };
}
