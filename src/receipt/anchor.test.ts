import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CborMap, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { type Anchor, decodeAnchor, encodeAnchor } from './anchor.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anchor: fc.Arbitrary<Anchor> = fc.record(
  {
    chainId: uint64,
    contract: bytes(20),
    logId: bytes(32),
    size: fc.maxSafeNat(),
    root: bytes(32),
    transactionHash: bytes(32),
    blockNumber: uint64,
    blockHash: bytes(32),
    blockTime: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
);
const [SAMPLE] = fc.sample(anchor, { seed: 1, numRuns: 1 }) as [Anchor];

describe('anchors', () => {
  test('survive the way through bytes', () => {
    fc.assert(
      fc.property(anchor, (value) => {
        const decoded = decodeAnchor(decodeCbor(encodeCbor(encodeAnchor(value))));
        expect(decoded).toEqual({ kind: 'ok', value });
      }),
    );
  });

  test('have the labels 1 to 9', () => {
    const map = encodeAnchor(SAMPLE) as CborMap;
    expect([...map.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...map.values()]).toEqual(Object.values(SAMPLE));
  });

  test('are refused with a field missing, of another form, or unknown', () => {
    const map = encodeAnchor(SAMPLE) as CborMap;
    const wrong: CborValue[] = [
      null,
      -1,
      'x',
      [],
      true,
      2n ** 64n,
      -1n,
      new Uint8Array(31),
      new Uint8Array(33),
    ];
    for (const label of map.keys()) {
      const without = new Map(map);
      without.delete(label);
      expect(decodeAnchor(without)).toMatchObject({ kind: 'reject', code: 'malformed' });
      for (const value of wrong) {
        expect(decodeAnchor(new Map(map).set(label, value))).toMatchObject({ kind: 'reject' });
      }
    }
    expect(decodeAnchor(new Map(map).set(11, 0))).toMatchObject({ detail: 'anchor has an unknown label' });
    for (const value of [null, 7, [], 'anchor', new Uint8Array(9)]) {
      expect(decodeAnchor(value)).toMatchObject({ kind: 'reject', code: 'malformed' });
    }
  });

  test('misuse names the field', () => {
    const wrong: Partial<Record<keyof Anchor, unknown>> = {
      chainId: 2n ** 64n,
      contract: new Uint8Array(32),
      size: -1,
      blockNumber: -1n,
      blockTime: 1.5,
    };
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => encodeAnchor({ ...SAMPLE, [name]: value })).toThrow(
        new RangeError(`anchor.${name} is out of range`),
      );
    }
  });
});
