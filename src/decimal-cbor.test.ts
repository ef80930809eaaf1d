import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { CborFloat, CborTag, decodeCbor, encodeCbor } from './cbor.ts';
import { decimal, decimalFromNumber, MAX_DECIMAL_EXPONENT } from './decimal.ts';
import { decimalFromCbor, decimalToCbor } from './decimal-cbor.ts';

describe('decimals in CBOR', () => {
  it.each([
    ['36.60', 'c48221190e4c'],
    // RFC 8949 section 3.4.4
    ['273.15', 'c48221196ab3'],
    ['0', '00'],
    ['-5', '24'],
    ['0.0', 'c4822000'],
    ['5e2', 'c4820205'],
    ['18446744073709551615', '1bffffffffffffffff'],
    // RFC 8949 appendix A
    ['18446744073709551616', 'c249010000000000000000'],
    ['-18446744073709551617', 'c349010000000000000000'],
  ])('writes %s as %s', (text, hex) => {
    expect(bytesToHex(encodeCbor(decimalToCbor(decimal(text))))).toBe(hex);
  });

  it('come back the same, digit for digit', () => {
    const any = fc.record({
      mantissa: fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }),
      exponent: fc.integer({ min: -MAX_DECIMAL_EXPONENT, max: MAX_DECIMAL_EXPONENT }),
    });
    fc.assert(
      fc.property(any, (d) => {
        expect(decimalFromCbor(decodeCbor(encodeCbor(decimalToCbor(d))))).toEqual({ kind: 'ok', value: d });
      }),
    );
  });

  it('read floats as exactly what they are', () => {
    expect(decimalFromCbor(new CborFloat(0.1))).toEqual({ kind: 'ok', value: decimalFromNumber(0.1) });
    expect(decimalFromCbor(new CborFloat(20))).toEqual({ kind: 'ok', value: decimal('20') });
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(decimalFromCbor(new CborFloat(value))).toMatchObject({ kind: 'reject', code: 'malformed' });
    }
  });

  it.each([
    ['exponent 0', 'c4820005', 'not-deterministic'],
    ['a bignum that fits an integer', 'c24101', 'not-deterministic'],
    ['a bignum with a leading zero', 'c24a00010000000000000000', 'not-deterministic'],
    ['a monstrous exponent', 'c4821a000f424001', 'malformed'],
    ['an exponent past 2^53', 'c4821bffffffffffffffff01', 'malformed'],
    ['a bignum exponent', 'c482c24901000000000000000001', 'malformed'],
    ['a float exponent', 'c482f93c0001', 'malformed'],
    ['a float mantissa', 'c48220f93c00', 'malformed'],
    ['three parts', 'c483200102', 'malformed'],
    ['no pair', 'c405', 'malformed'],
    ['a nested fraction', 'c48220c4822005', 'malformed'],
    ['a bignum of text', 'c26131', 'malformed'],
    ['a bigfloat', 'c5822003', 'malformed'],
    ['text', '6131', 'malformed'],
    ['null', 'f6', 'malformed'],
  ])('refuse %s', (_, hex, code) => {
    expect(decimalFromCbor(decodeCbor(hexToBytes(hex)))).toMatchObject({ kind: 'reject', code });
  });

  it('refuse a mantissa of a megabyte without counting it', () => {
    const huge = new CborTag(4, [-1, new CborTag(2, new Uint8Array(1_000_000).fill(255))]);
    expect(decimalFromCbor(huge)).toEqual({
      kind: 'reject',
      code: 'malformed',
      detail: 'a decimal out of bounds',
    });
  });

  it('are not written beyond what may be read', () => {
    expect(() => decimalToCbor({ mantissa: 1n, exponent: 1101 })).toThrow(RangeError);
    expect(() => decimalToCbor({ mantissa: 10n ** 800n, exponent: 0 })).toThrow(RangeError);
  });
});
