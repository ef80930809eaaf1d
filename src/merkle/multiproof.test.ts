import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ProvenLeaf, proveMany, rootFromMultiproof, verifyMany } from './multiproof.ts';
import { proveInclusion } from './proof.ts';
import { computeRoot } from './root.ts';
import { leftLeaves } from './shape.ts';
import { flipBit, makeLeaves, storeNodes, uniformNodes } from './testing/tree.ts';

const LEAVES = makeLeaves(130);
const READ = storeNodes(LEAVES);
const rootOf = (size: number) => computeRoot(LEAVES.slice(0, size));
const pick = (indices: readonly number[]): ProvenLeaf[] =>
  indices.map((index) => ({ index, leafHash: LEAVES[index] as Uint8Array }));

/** The definition of the docstring over explicit lists. */
function reference(indices: readonly number[], start: number, end: number): Uint8Array[] {
  const inside = indices.filter((index) => index >= start && index < end);
  if (inside.length === 0) return [computeRoot(LEAVES.slice(start, end))];
  if (end - start === 1) return [];
  const middle = start + leftLeaves(end - start);
  return [...reference(inside, start, middle), ...reference(inside, middle, end)];
}

const subset = fc
  .tuple(
    fc.integer({ min: 1, max: LEAVES.length }),
    fc.uniqueArray(fc.nat(LEAVES.length - 1), { minLength: 1 }),
  )
  .map(([size, picked]) => ({
    size,
    indices: [...new Set(picked.map((index) => index % size))].sort((a, b) => a - b),
  }));

/** Every leaf alone and every pair of leaves. */
function* pairs(size: number): Generator<number[]> {
  for (let first = 0; first < size; first++) {
    yield [first];
    for (let second = first + 1; second < size; second++) yield [first, second];
  }
}

describe('multiproof', () => {
  test('every pair of every size up to 64 equals the definition and verifies', () => {
    for (let size = 1; size <= 64; size++) {
      const root = rootOf(size);
      for (const indices of pairs(size)) {
        const proof = proveMany(READ, indices, size);
        if (size <= 24) expect(proof).toEqual(reference(indices, 0, size));
        // One assertion for each pair would be most of the time this test takes.
        if (!verifyMany({ leaves: pick(indices), size, proof, root })) expect.fail(`${indices} of ${size}`);
      }
    }
  });

  test('every subset of every size up to 9', () => {
    for (let size = 1; size <= 9; size++) {
      for (let mask = 1; mask < 2 ** size; mask++) {
        const indices = Array.from({ length: size }, (_, index) => index).filter(
          (index) => (mask >> index) & 1,
        );
        const proof = proveMany(READ, indices, size);
        expect(proof).toEqual(reference(indices, 0, size));
        expect(verifyMany({ leaves: pick(indices), size, proof, root: rootOf(size) })).toBe(true);
      }
    }
  });

  test('any subset: verifies, and nothing can be changed', () => {
    fc.assert(
      fc.property(subset, fc.nat(), fc.nat(255), ({ size, indices }, at, bit) => {
        const root = rootOf(size);
        const leaves = pick(indices);
        const proof = proveMany(READ, indices, size);
        const holds = (change: object) => verifyMany({ leaves, size, proof, root, ...change });
        expect(proof).toEqual(reference(indices, 0, size));
        expect(holds({})).toBe(true);
        expect(holds({ proof: [...proof, root] })).toBe(false);
        expect(holds({ root: flipBit(root, bit) })).toBe(false);
        const leaf = leaves[at % leaves.length] as ProvenLeaf;
        const wrongLeaf = { ...leaf, leafHash: flipBit(leaf.leafHash, bit) };
        expect(holds({ leaves: leaves.with(at % leaves.length, wrongLeaf) })).toBe(false);
        expect(holds({ leaves: leaves.toSpliced(at % leaves.length, 1) })).toBe(false);
        if (proof.length === 0) return;
        const node = proof[at % proof.length] as Uint8Array;
        expect(holds({ proof: proof.with(at % proof.length, flipBit(node, bit)) })).toBe(false);
        expect(holds({ proof: proof.toSpliced(at % proof.length, 1) })).toBe(false);
      }),
    );
  });

  test('all leaves need no node; one leaf needs those of its inclusion proof', () => {
    expect(proveMany(READ, [0, 1, 2, 3, 4, 5, 6], 7)).toEqual([]);
    const asText = (proof: Uint8Array[]) => proof.map(String).sort();
    for (const index of [0, 5, 99]) {
      expect(asText(proveMany(READ, [index], 100))).toEqual(asText(proveInclusion(READ, index, 100)));
    }
  });

  test('a wrong index for a leaf is refused', () => {
    const size = 21;
    const indices = [3, 9, 20];
    const proof = proveMany(READ, indices, size);
    for (let index = 10; index < 20; index++) {
      const leaves = pick(indices).with(1, { index, leafHash: LEAVES[9] as Uint8Array });
      expect(verifyMany({ leaves, size, proof, root: rootOf(size) })).toBe(false);
    }
  });

  test('sizes up to 2^53 - 1, with bounded work', () => {
    const leafHash = LEAVES[0] as Uint8Array;
    const read = uniformNodes(leafHash);
    const picked = fc.uniqueArray(fc.maxSafeNat(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.maxSafeNat(), picked, (seed, numbers) => {
        const size = Math.max(1, seed);
        const indices = [...new Set(numbers.map((number) => number % size))].sort((a, b) => a - b);
        const leaves = indices.map((index) => ({ index, leafHash }));
        const proof = proveMany(read, indices, size);
        const single = { leaves: [{ index: 0, leafHash }], size, proof: proveMany(read, [0], size) };
        expect(rootFromMultiproof({ leaves, size, proof })).toEqual(rootFromMultiproof(single));
        if (proof.length === 0) return;
        expect(rootFromMultiproof({ leaves, size, proof: proof.slice(1) })).toBeUndefined();
      }),
    );
  });

  test('hostile values are refused, never an exception', () => {
    const good = { leaves: pick([0]), size: 2, proof: [LEAVES[1] as Uint8Array], root: rootOf(2) };
    expect(verifyMany(good)).toBe(true);
    const values = [
      Number.NaN,
      -1,
      0,
      0.5,
      2 ** 53,
      Number.POSITIVE_INFINITY,
      '2',
      null,
      undefined,
      {},
      [],
      [null],
      [{}],
      [[]],
      'x',
    ];
    for (const value of values) {
      for (const name of Object.keys(good)) {
        expect(verifyMany({ ...good, [name]: value } as never)).toBe(false);
      }
      expect(verifyMany({ ...good, leaves: [{ index: value, leafHash: LEAVES[0] }] } as never)).toBe(
        value === 0,
      );
    }
    const twice = [...pick([0]), ...pick([0])];
    const unsorted = pick([1, 0]);
    for (const leaves of [twice, unsorted, pick([0, 2])]) {
      for (const proof of [[], good.proof]) expect(verifyMany({ ...good, leaves, proof })).toBe(false);
    }
  });

  test('misuse of the prover throws RangeError', () => {
    for (const indices of [[], [1, 0], [0, 0], [2], [-1], [0.5]]) {
      expect(() => proveMany(READ, indices, 2)).toThrow(RangeError);
    }
    expect(() => proveMany(READ, [0], 0)).toThrow(/size/);
  });
});
