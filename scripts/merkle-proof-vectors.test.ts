import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../src/bytes.ts';
import { flipBit } from '../src/merkle/testing/tree.ts';
import { verifyConsistency, verifyInclusion } from '../src/merkle/verify.ts';
import type { ConsistencyVector } from './vectors/consistency-vectors.ts';
import type { InclusionVector } from './vectors/inclusion-vectors.ts';
import { type MerkleProofVectorFile, makeMerkleProofVectors } from './vectors/merkle-proof-vectors.ts';

const file: MerkleProofVectorFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/merkle-proofs.json', import.meta.url), 'utf8'),
);

test('docs/vectors/merkle-proofs.json is what the generator writes', () => {
  expect(makeMerkleProofVectors()).toEqual(file);
});

test('names are unique, and every answer of the contract is there', () => {
  for (const vectors of [file.consistency, file.inclusion]) {
    const names = vectors.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(vectors.map(({ valid }) => valid)).size).toBe(2);
  }
  expect([...new Set(file.consistency.map(({ anchor }) => anchor))].sort()).toEqual([
    'InvalidConsistencyProof',
    'SizeNotGrowing',
    'ZeroRoot',
    'done',
  ]);
});

const judgeConsistency = ({ fromSize, fromRoot, toSize, toRoot, proof }: ConsistencyVector): boolean =>
  verifyConsistency({
    ...{ fromSize, fromRoot: hexToBytes(fromRoot), toSize, toRoot: hexToBytes(toRoot) },
    proof: proof.map(hexToBytes),
  });
const judgeInclusion = ({ index, size, root, leafHash, path }: InclusionVector): boolean =>
  verifyInclusion({
    ...{ index, size, root: hexToBytes(root), leafHash: hexToBytes(leafHash) },
    path: path.map(hexToBytes),
  });
const flip = (hash: string, bit: number): string => bytesToHex(flipBit(hexToBytes(hash), bit));

test.each(file.consistency)('consistency, $name: $valid', (vector) => {
  expect(judgeConsistency(vector)).toBe(vector.valid);
});

test.each(file.inclusion)('inclusion, $name: $valid', (vector) => {
  expect(judgeInclusion(vector)).toBe(vector.valid);
});

test('a valid proof is none any more after any one bit of a hash in it has changed', () => {
  for (const vector of file.consistency.filter(({ valid, proof }) => valid && proof.length > 0)) {
    const { fromRoot, toRoot, proof } = vector;
    for (let bit = 0; bit < 256; bit += 37) {
      expect(judgeConsistency({ ...vector, fromRoot: flip(fromRoot, bit) })).toBe(false);
      expect(judgeConsistency({ ...vector, toRoot: flip(toRoot, bit) })).toBe(false);
      const at = bit % proof.length;
      const flipped = proof.with(at, flip(proof[at] as string, bit));
      expect(judgeConsistency({ ...vector, proof: flipped }), vector.name).toBe(false);
    }
  }
});
