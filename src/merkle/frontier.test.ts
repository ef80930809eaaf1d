import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Frontier } from './frontier.ts';
import { EMPTY_ROOT, hashNode } from './hash.ts';
import { computeRoot } from './root.ts';
import { leftLeaves, peakLevels } from './shape.ts';
import { makeLeaves } from './testing/tree.ts';

const LEAVES = makeLeaves(300);

describe('Frontier', () => {
  test('has the root of the definition at every size', () => {
    const frontier = new Frontier();
    expect(frontier.root()).toEqual(EMPTY_ROOT);
    for (const [index, leaf] of LEAVES.entries()) {
      frontier.append(leaf);
      expect(frontier.size).toBe(index + 1);
      expect(frontier.root()).toEqual(computeRoot(LEAVES.slice(0, index + 1)));
    }
  });

  test('continues from its peaks', () => {
    fc.assert(
      fc.property(fc.nat(150), fc.nat(150), (before, after) => {
        const first = new Frontier();
        for (const leaf of LEAVES.slice(0, before)) first.append(leaf);
        const second = Frontier.fromPeaks(before, first.peaks());
        expect(second.root()).toEqual(computeRoot(LEAVES.slice(0, before)));
        for (const leaf of LEAVES.slice(before, before + after)) second.append(leaf);
        expect(second.root()).toEqual(computeRoot(LEAVES.slice(0, before + after)));
      }),
    );
  });

  test('hashes once for each leaf on average, and reports each complete subtree once', () => {
    let hashed = 0;
    const frontier = new Frontier((left, right) => {
      hashed += 1;
      return hashNode(left, right);
    });
    const seen = new Map<string, Uint8Array>();
    for (const leaf of LEAVES.slice(0, 256)) {
      frontier.append(leaf, (level, index, hash) => {
        expect(seen.has(`${level}/${index}`)).toBe(false);
        seen.set(`${level}/${index}`, hash);
      });
    }
    expect(hashed).toBe(255);
    expect(seen.size).toBe(511);
    expect(seen.get('8/0')).toEqual(frontier.root());
    expect(seen.get('3/5')).toEqual(computeRoot(LEAVES.slice(40, 48)));
  });

  test('keeps and gives out copies', () => {
    const leaf = Uint8Array.from(LEAVES[0] as Uint8Array);
    const frontier = new Frontier();
    frontier.append(leaf);
    leaf.fill(0);
    frontier.peaks()[0]?.fill(0);
    frontier.root().fill(0);
    expect(frontier.root()).toEqual(LEAVES[0]);
  });

  test('refuses misuse by name', () => {
    const frontier = new Frontier();
    expect(() => frontier.append(new Uint8Array(31))).toThrow(RangeError);
    expect(() => Frontier.fromPeaks(3, [LEAVES[0] as Uint8Array])).toThrow(/peaks/);
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(() => Frontier.fromPeaks(size, [])).toThrow(/size/);
    }
    const full = Frontier.fromPeaks(Number.MAX_SAFE_INTEGER, Array(53).fill(LEAVES[0]));
    expect(() => full.append(LEAVES[0] as Uint8Array)).toThrow(/full/);
  });
});

describe('shape', () => {
  test('splits and decomposes sizes of more than 32 bits', () => {
    const count = fc.oneof(
      fc.integer({ min: 2, max: 2 ** 33 }),
      fc.maxSafeNat().filter((n) => n > 1),
    );
    fc.assert(
      fc.property(count, (size) => {
        const left = leftLeaves(size);
        expect(Number.isInteger(Math.log2(left)) && left < size && left * 2 >= size).toBe(true);
        const total = peakLevels(size).reduce((sum, level) => sum + 2 ** level, 0);
        expect(total).toBe(size);
      }),
    );
    for (const power of [31, 32, 52]) {
      expect(leftLeaves(2 ** power)).toBe(2 ** (power - 1));
      expect(leftLeaves(2 ** power + 1)).toBe(2 ** power);
    }
  });
});
