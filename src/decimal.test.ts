import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDecimal,
  compareDecimal,
  type Decimal,
  decimal,
  decimalFromInteger,
  decimalFromNumber,
  decimalToNumber,
  formatDecimal,
  isBoundedDecimal,
  MAX_DECIMAL_DIGITS,
  MAX_DECIMAL_EXPONENT,
  multiplyDecimal,
  parseDecimal,
} from './decimal.ts';

const anyDecimal = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
  exponent: fc.integer({ min: -MAX_DECIMAL_EXPONENT, max: MAX_DECIMAL_EXPONENT }),
});
const smallDecimal = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
  exponent: fc.integer({ min: -9, max: 9 }),
});

describe('text', () => {
  it.each([
    ['36.60', 3660n, -2],
    ['36.6', 366n, -1],
    ['-0.020499', -20499n, -6],
    ['0', 0n, 0],
    ['0.00', 0n, -2],
    ['-0.0', 0n, -1],
    ['5e2', 5n, 2],
    ['1.5E+3', 15n, 2],
    ['1.320067464e+09', 1320067464n, 0],
    ['18446744073709551616', 18446744073709551616n, 0],
  ])('reads %s with its places', (text, mantissa, exponent) => {
    expect(parseDecimal(text)).toEqual({ mantissa, exponent });
  });

  it.each([
    '',
    '-',
    '.5',
    '5.',
    '05',
    '+5',
    '1e',
    '0x10',
    '1_000',
    ' 1',
    '1\n',
    'NaN',
    'Infinity',
    '1,5',
    '١',
  ])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  it('refuses what would be costly to hold, at once', () => {
    for (const text of ['1e1000000', '1e-99999', '1e1101', '9'.repeat(801), '1'.repeat(10_000_000)]) {
      expect(parseDecimal(text)).toBeUndefined();
    }
  });

  it('comes back the same, digit for digit', () => {
    fc.assert(
      fc.property(anyDecimal, (d) => {
        expect(parseDecimal(formatDecimal(d))).toEqual(d);
      }),
    );
  });

  it('writes JSON numbers', () => {
    fc.assert(
      fc.property(anyDecimal, (d) => {
        expect(JSON.parse(formatDecimal(d))).toBe(decimalToNumber(d));
      }),
    );
    expect(formatDecimal(decimal('0.00'))).toBe('0.00');
    expect(formatDecimal(decimal('-0.05'))).toBe('-0.05');
    expect(formatDecimal(decimal('5e2'))).toBe('5e2');
    expect(formatDecimal(decimal('1e-1000'))).toBe('1e-1000');
  });

  it('throws on a text of the program that is no decimal', () => {
    expect(() => decimal('36,6')).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: text: not a decimal: "36,6"]`,
    );
  });
});

describe('doubles', () => {
  it('are held exactly, and within the bounds, every finite one', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const held = decimalFromNumber(value);
        expect(isBoundedDecimal(held)).toBe(true);
        expect(decimalToNumber(held)).toBe(value + 0);
      }),
    );
    for (const value of [Number.MAX_VALUE, Number.MIN_VALUE, 2 ** -1022, 2 ** 53, -1.5, 0.1, -0]) {
      const held = decimalFromNumber(value);
      expect(isBoundedDecimal(held)).toBe(true);
      expect(decimalToNumber(held)).toBe(value === 0 ? 0 : value);
    }
  });

  it('show the value they have, not the one that was meant', () => {
    expect(formatDecimal(decimalFromNumber(0.1))).toBe(
      '0.1000000000000000055511151231257827021181583404541015625',
    );
    expect(decimalFromNumber(1.5)).toEqual({ mantissa: 15n, exponent: -1 });
    expect(decimalFromNumber(60)).toEqual({ mantissa: 60n, exponent: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuse %s', (value) => {
    expect(() => decimalFromNumber(value)).toThrow(RangeError);
  });
});

describe('arithmetic', () => {
  const scaled = (d: Decimal): bigint => d.mantissa * 10n ** BigInt(d.exponent + 20);

  it('adds, multiplies and compares exactly', () => {
    fc.assert(
      fc.property(smallDecimal, smallDecimal, (a, b) => {
        expect(scaled(addDecimal(a, b))).toBe(scaled(a) + scaled(b));
        expect(scaled(multiplyDecimal(a, b)) * 10n ** 20n).toBe(scaled(a) * scaled(b));
        const difference = scaled(a) - scaled(b);
        expect(compareDecimal(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    );
  });

  it('keeps the finer places of a sum and ignores places in a comparison', () => {
    expect(formatDecimal(addDecimal(decimal('36'), decimal('0.60')))).toBe('36.60');
    expect(compareDecimal(decimal('36.60'), decimal('36.6'))).toBe(0);
  });

  it('takes the largest decimals from outside without throwing', () => {
    const digits = '9'.repeat(MAX_DECIMAL_DIGITS);
    const extremes = [`${digits}e1100`, `-${digits}e1100`, `${digits}e-1100`, '1e-1100'].map(decimal);
    for (const a of extremes) {
      for (const b of extremes) {
        expect(formatDecimal(addDecimal(a, multiplyDecimal(a, b)))).toMatch(/^-?\d/);
        compareDecimal(addDecimal(a, b), b);
      }
    }
  });

  it('throws on a decimal nobody could have read', () => {
    const monster = { mantissa: 1n, exponent: 1_000_000 };
    expect(() => formatDecimal(monster)).toThrow(RangeError);
    expect(() => addDecimal(monster, monster)).toThrow(RangeError);
    expect(() => compareDecimal(monster, decimal('1'))).toThrow(RangeError);
    expect(() => multiplyDecimal(decimal('1'), { mantissa: 1n, exponent: 0.5 })).toThrow(RangeError);
    expect(() => decimalFromInteger(1.5)).toThrow(RangeError);
    expect(decimalFromInteger(-7)).toEqual({ mantissa: -7n, exponent: 0 });
  });
});
