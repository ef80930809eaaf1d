import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY_ROOT } from './hash.ts';
import { proveConsistency, proveInclusion } from './proof.ts';
import { computeRoot } from './root.ts';
import { leftLeaves } from './shape.ts';
import { flipBit, makeLeaves, storeNodes, uniformNodes } from './testing/tree.ts';
import { rootFromInclusionProof, verifyConsistency, verifyInclusion } from './verify.ts';

const LEAVES = makeLeaves(70);
const ROOTS = Array.from({ length: LEAVES.length + 1 }, (_, size) => computeRoot(LEAVES.slice(0, size)));
const READ = storeNodes(LEAVES);

/** PATH of RFC 9162 section 2.1.3.1, word for word. */
function referencePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = leftLeaves(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k
    ? [...referencePath(index, left), computeRoot(right)]
    : [...referencePath(index - k, right), computeRoot(left)];
}

/** SUBPROOF of RFC 9162 section 2.1.4.1, word for word. */
function referenceSubproof(m: number, leaves: readonly Uint8Array[], known: boolean): Uint8Array[] {
  if (m === leaves.length) return known ? [] : [computeRoot(leaves)];
  const k = leftLeaves(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...referenceSubproof(m, left, known), computeRoot(right)]
    : [...referenceSubproof(m - k, right, false), computeRoot(left)];
}

/** Copies of a proof that are wrong in one way each: a bit, a missing, added or swapped node. */
function* damage(proof: readonly Uint8Array[]): Generator<Uint8Array[]> {
  const extra = LEAVES[0] as Uint8Array;
  yield [...proof, extra];
  yield [extra, ...proof];
  yield [...proof, new Uint8Array(0)];
  yield [...proof, ...Array<Uint8Array>(1000).fill(extra)];
  for (const [at, node] of proof.entries()) {
    yield proof.toSpliced(at, 1);
    yield proof.toSpliced(at, 1, flipBit(node, (at * 37) % 256));
    yield proof.toSpliced(at, 1, node.subarray(0, 31));
    if (at > 0) yield proof.toSpliced(at - 1, 2, node, proof[at - 1] as Uint8Array);
  }
}

describe('inclusion proofs', () => {
  test('every index of every size up to 64 equals the definition and verifies', () => {
    for (let size = 1; size <= 64; size++) {
      for (let index = 0; index < size; index++) {
        const path = proveInclusion(READ, index, size);
        expect(path).toEqual(referencePath(index, LEAVES.slice(0, size)));
        const leafHash = LEAVES[index] as Uint8Array;
        const root = ROOTS[size] as Uint8Array;
        expect(verifyInclusion({ leafHash, index, size, path, root })).toBe(true);
      }
    }
  });

  test('a wrong leaf, index or root is refused', () => {
    for (let size = 2; size <= 33; size++) {
      const root = ROOTS[size] as Uint8Array;
      for (let index = 0; index < size; index++) {
        const leafHash = LEAVES[index] as Uint8Array;
        const path = proveInclusion(READ, index, size);
        for (let other = 0; other <= size; other++) {
          if (other === index) continue;
          const wrong = LEAVES[other] as Uint8Array;
          expect(verifyInclusion({ leafHash, index: other, size, path, root })).toBe(false);
          expect(verifyInclusion({ leafHash: wrong, index, size, path, root })).toBe(false);
        }
        expect(verifyInclusion({ leafHash, index, size, path, root: ROOTS[size + 1] as Uint8Array })).toBe(
          false,
        );
      }
    }
  });

  test('damaged paths are refused', () => {
    for (const [index, size] of [
      [0, 1],
      [0, 2],
      [4, 5],
      [6, 7],
      [31, 64],
      [63, 65],
    ] as const) {
      const path = proveInclusion(READ, index, size);
      const claim = { leafHash: LEAVES[index] as Uint8Array, index, size, root: ROOTS[size] as Uint8Array };
      expect(verifyInclusion({ ...claim, path })).toBe(true);
      for (const wrong of damage(path)) expect(verifyInclusion({ ...claim, path: wrong })).toBe(false);
    }
  });

  test('every single bit counts', () => {
    const claim = { index: 4, size: 7, leafHash: LEAVES[4] as Uint8Array, root: ROOTS[7] as Uint8Array };
    const path = proveInclusion(READ, 4, 7);
    for (let bit = 0; bit < 256; bit++) {
      expect(verifyInclusion({ ...claim, path, leafHash: flipBit(claim.leafHash, bit) })).toBe(false);
      expect(verifyInclusion({ ...claim, path, root: flipBit(claim.root, bit) })).toBe(false);
      for (const [at, node] of path.entries()) {
        const wrong = path.toSpliced(at, 1, flipBit(node, bit));
        expect(verifyInclusion({ ...claim, path: wrong })).toBe(false);
      }
    }
  });

  test('sizes up to 2^53 - 1', () => {
    const leafHash = LEAVES[0] as Uint8Array;
    const read = uniformNodes(leafHash);
    const sizes = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 1e9 })).map((n) => Math.max(1, n));
    fc.assert(
      fc.property(sizes, fc.maxSafeNat(), (size, seed) => {
        const index = seed % size;
        const path = proveInclusion(read, index, size);
        const root = rootFromInclusionProof({ leafHash, index, size, path });
        expect(root).toEqual(
          rootFromInclusionProof({ leafHash, index: 0, size, path: proveInclusion(read, 0, size) }),
        );
        expect(rootFromInclusionProof({ leafHash, index, size, path: [...path, leafHash] })).toBeUndefined();
        if (size > 1)
          expect(rootFromInclusionProof({ leafHash, index, size, path: path.slice(1) })).toBeUndefined();
      }),
    );
  });

  test('hostile values are false, never an exception', () => {
    const good = { leafHash: LEAVES[0] as Uint8Array, index: 0, size: 2, path: [LEAVES[1] as Uint8Array] };
    const root = ROOTS[2] as Uint8Array;
    expect(verifyInclusion({ ...good, root })).toBe(true);
    const counts = [
      Number.NaN,
      -1,
      -0.5,
      0.5,
      2 ** 53,
      2 ** 64,
      Number.POSITIVE_INFINITY,
      '0',
      0n,
      null,
      undefined,
      {},
    ];
    const bytes = [null, undefined, '', 'x'.repeat(32), [], new Uint8Array(0), new Uint8Array(33), {}, 7];
    const paths = [
      null,
      undefined,
      '',
      {},
      [null],
      [undefined],
      [7],
      [[]],
      ['x'.repeat(32)],
      Array(1e6),
      { length: 1 },
    ];
    const cases = [
      ...counts.flatMap((value) => [{ index: value }, { size: value }]),
      ...bytes.flatMap((value) => [{ leafHash: value }, { root: value }]),
      ...paths.map((value) => ({ path: value })),
    ];
    for (const wrong of cases) {
      expect(verifyInclusion({ ...good, root, ...wrong } as never)).toBe(false);
    }
  });

  test('misuse of the prover throws RangeError', () => {
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 2],
      [0.5, 2],
      [0, Number.NaN],
      [0, 2 ** 53],
    ] as const) {
      expect(() => proveInclusion(READ, index, size)).toThrow(RangeError);
    }
  });
});

describe('consistency proofs', () => {
  test('every pair of sizes up to 64 equals the definition and verifies', () => {
    for (let to = 1; to <= 64; to++) {
      for (let from = 1; from <= to; from++) {
        const proof = proveConsistency(READ, from, to);
        expect(proof).toEqual(referenceSubproof(from, LEAVES.slice(0, to), true));
        const fromRoot = ROOTS[from] as Uint8Array;
        const toRoot = ROOTS[to] as Uint8Array;
        expect(verifyConsistency({ fromSize: from, fromRoot, toSize: to, toRoot, proof })).toBe(true);
      }
    }
  });

  test('from the empty tree the proof is empty', () => {
    expect(proveConsistency(READ, 0, 5)).toEqual([]);
    const claim = { fromSize: 0, fromRoot: EMPTY_ROOT, toSize: 5, toRoot: ROOTS[5] as Uint8Array, proof: [] };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, fromRoot: ROOTS[1] as Uint8Array })).toBe(false);
    expect(verifyConsistency({ ...claim, proof: [EMPTY_ROOT] })).toBe(false);
    expect(verifyConsistency({ ...claim, toSize: 0 })).toBe(false);
    expect(verifyConsistency({ ...claim, toSize: 0, toRoot: EMPTY_ROOT })).toBe(true);
  });

  test('another history, wrong sizes and damaged proofs are refused', () => {
    for (let to = 2; to <= 33; to++) {
      for (let from = 1; from < to; from++) {
        const proof = proveConsistency(READ, from, to);
        const fromRoot = ROOTS[from] as Uint8Array;
        const toRoot = ROOTS[to] as Uint8Array;
        const claim = { fromSize: from, fromRoot, toSize: to, toRoot };
        for (const wrong of damage(proof)) expect(verifyConsistency({ ...claim, proof: wrong })).toBe(false);
        const wrongClaims = [
          { fromRoot: flipBit(fromRoot, to) },
          { toRoot: flipBit(toRoot, from) },
          { fromRoot: toRoot, toRoot: fromRoot },
          { fromSize: to, toSize: from },
          { toSize: from },
          { fromSize: to },
        ];
        for (const wrong of wrongClaims) expect(verifyConsistency({ ...claim, proof, ...wrong })).toBe(false);
      }
    }
  });

  test('a proof to one size is none to a size of another height', () => {
    for (let from = 1; from <= 16; from++) {
      const proof = proveConsistency(READ, from, 16);
      const claim = {
        fromSize: from,
        fromRoot: ROOTS[from] as Uint8Array,
        toRoot: ROOTS[16] as Uint8Array,
        proof,
      };
      expect(verifyConsistency({ ...claim, toSize: 16 })).toBe(true);
      for (const toSize of [17, 33, 64, 2 ** 40]) expect(verifyConsistency({ ...claim, toSize })).toBe(false);
    }
  });

  test('sizes up to 2^53 - 1', () => {
    const leafHash = LEAVES[0] as Uint8Array;
    const read = uniformNodes(leafHash);
    const rootAt = (size: number) =>
      rootFromInclusionProof({ leafHash, index: 0, size, path: proveInclusion(read, 0, size) }) as Uint8Array;
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const from = Math.max(1, Math.min(a, b));
        const to = Math.max(from, a, b);
        const claim = { fromSize: from, fromRoot: rootAt(from), toSize: to, toRoot: rootAt(to) };
        const proof = proveConsistency(read, from, to);
        expect(verifyConsistency({ ...claim, proof })).toBe(true);
        expect(verifyConsistency({ ...claim, proof: [...proof, leafHash] })).toBe(false);
      }),
    );
  });

  test('hostile values are false, misuse of the prover throws', () => {
    const claim = {
      fromSize: 1,
      fromRoot: ROOTS[1] as Uint8Array,
      toSize: 2,
      toRoot: ROOTS[2] as Uint8Array,
      proof: [LEAVES[1] as Uint8Array],
    };
    expect(verifyConsistency(claim)).toBe(true);
    for (const value of [Number.NaN, -1, 0.5, 2 ** 53, '1', null, undefined, {}, [], 'x']) {
      for (const name of Object.keys(claim)) {
        expect(verifyConsistency({ ...claim, [name]: value } as never)).toBe(false);
      }
    }
    expect(() => proveConsistency(READ, 3, 2)).toThrow(RangeError);
    expect(() => proveConsistency(READ, -1, 2)).toThrow(RangeError);
  });
});
