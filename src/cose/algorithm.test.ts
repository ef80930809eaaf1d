import { expect, test } from 'vitest';
import { ALGORITHM_IDS, type Algorithm, algorithmFromId } from './algorithm.ts';

test('every algorithm is read back from its identifier', () => {
  for (const [algorithm, id] of Object.entries(ALGORITHM_IDS))
    expect(algorithmFromId(id)).toBe(algorithm as Algorithm);
});

test('the polymorphic identifiers stand for one curve each', () => {
  expect(algorithmFromId(-8)).toBe('Ed25519');
  expect(algorithmFromId(-7)).toBe('ESP256');
});

test('no other identifier is spoken', () => {
  // ES384, ES512, PS256, RS256, ESP384, ESP512, Ed448, HMAC, "reserved", and values that are no identifier.
  for (const id of [-35, -36, -37, -257, -51, -52, -53, 5, 0, Number.NaN, -7.5, 2 ** 53]) {
    expect(algorithmFromId(id)).toBeUndefined();
  }
});
