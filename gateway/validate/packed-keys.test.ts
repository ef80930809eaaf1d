import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALGORITHMS } from '../../src/cose/algorithm.ts';
import { keyId } from '../../src/cose/key.ts';
import { signerFrom } from '../testing/wearable.ts';
import { findPackedKey, type PackedKey, packKeys } from './packed-keys.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const packedKey: fc.Arbitrary<PackedKey> = fc.constantFrom(...ALGORITHMS).chain((algorithm) =>
  fc.record({
    kid: bytes(8),
    algorithm: fc.constant(algorithm),
    bytes: bytes(algorithm === 'Ed25519' ? 32 : 65),
    retiredAt: fc.option(fc.nat(Number.MAX_SAFE_INTEGER), { nil: undefined }),
  }),
);

/** Views into packed memory are Uint8Arrays of another origin: compared by their content. */
const plain = (key: PackedKey | undefined) =>
  key && { ...key, kid: Uint8Array.from(key.kid), bytes: Uint8Array.from(key.bytes) };

test('every key comes out as it went in, found by its id among the others', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(packedKey, { selector: ({ kid }) => kid.join(), maxLength: 12 }),
      bytes(8),
      (keys, stranger) => {
        const packed = packKeys(keys);
        for (const key of keys) expect(plain(findPackedKey(packed, key.kid))).toEqual(key);
        if (!keys.some(({ kid }) => kid.join() === stranger.join()))
          expect(findPackedKey(packed, stranger)).toBeUndefined();
      },
    ),
  );
});

test('keys are read where they lie in the memory of a request, behind the keys of other devices', () => {
  fc.assert(
    fc.property(
      fc.array(packedKey, { minLength: 1, maxLength: 4 }),
      packedKey,
      fc.nat(3),
      (before, key, pad) => {
        const [others, own] = [packKeys(before), packKeys([key])];
        const memory = new Uint8Array(pad + others.length + own.length);
        memory.set(others, pad);
        memory.set(own, pad + others.length);
        const range = memory.subarray(pad + others.length); // a place that need not be aligned
        expect(plain(findPackedKey(range, key.kid))).toEqual(key);
      },
    ),
  );
});

test('an id that differs in one bit is another, wherever the bit is', () => {
  const { publicKey } = signerFrom('one');
  const kid = keyId(publicKey);
  const packed = packKeys([{ ...publicKey, kid, retiredAt: undefined }]);
  for (let bit = 0; bit < 64; bit++) {
    const other = Uint8Array.from(kid);
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(findPackedKey(packed, other)).toBeUndefined();
  }
  for (let length = 0; length < 8; length++)
    expect(findPackedKey(packed, kid.subarray(0, length))).toBeUndefined();
});

test('of a device without keys there is none', () => {
  expect(packKeys([])).toHaveLength(0);
  expect(findPackedKey(packKeys([]), new Uint8Array(8))).toBeUndefined();
  expect(findPackedKey(new Uint8Array(0), new Uint8Array(0))).toBeUndefined();
});

test('real keys of each algorithm fit', () => {
  const keys = ALGORITHMS.map((algorithm) => {
    const { publicKey } = signerFrom(algorithm, algorithm);
    return { ...publicKey, kid: keyId(publicKey), retiredAt: 5 };
  });
  const packed = packKeys(keys);
  for (const key of keys) expect(plain(findPackedKey(packed, key.kid))).toEqual(key);
});
