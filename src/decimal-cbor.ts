/**
 * Decimals in CBOR: an integer where there are no places to keep, otherwise a decimal fraction
 * (tag 4, RFC 8949 section 3.4.4), with a bignum mantissa (tags 2 and 3) past 64 bits. Floats are read, never written.
 */
import { CborFloat, CborTag, type CborValue } from './cbor.ts';
import {
  type Decimal,
  decimalFromInteger,
  decimalFromNumber,
  isBoundedDecimal,
  MAX_DECIMAL_DIGITS,
} from './decimal.ts';
import { ok, type Parsed, reject } from './verdict.ts';

const DECIMAL_FRACTION = 4;
const POSITIVE_BIGNUM = 2;
const NEGATIVE_BIGNUM = 3;
const INTEGER_LIMIT = 2n ** 64n;
// A mantissa within bounds needs no more; longer ones are refused before they become numbers.
const MAX_BIGNUM_BYTES = Math.ceil((MAX_DECIMAL_DIGITS * Math.log2(10)) / 8);

/** Why a CBOR item is no decimal that may be taken from outside. */
export type DecimalError = 'malformed' | 'not-deterministic';

/** The one CBOR form of a decimal. Throws RangeError when it is larger than may be taken from outside. */
export function decimalToCbor(d: Decimal): CborValue {
  if (!isBoundedDecimal(d)) throw new RangeError('d: larger than MAX_DECIMAL_EXPONENT or MAX_DECIMAL_DIGITS');
  const mantissa = integerToCbor(d.mantissa);
  return d.exponent === 0 ? mantissa : new CborTag(DECIMAL_FRACTION, [d.exponent, mantissa]);
}

/**
 * Reads an integer, a decimal fraction, or a float as the exact value of its binary form.
 *
 * `malformed`: anything else, NaN, infinities, and decimals beyond the bounds of decimal.ts.
 * `not-deterministic`: a decimal fraction of exponent 0 or a bignum that fits an integer, which have a shorter form.
 * Fractions that differ only in their places ([-2, 3660] and [-1, 366]) differ in meaning; both are read as written.
 */
export function decimalFromCbor(item: CborValue): Parsed<Decimal, DecimalError> {
  if (item instanceof CborFloat) {
    return Number.isFinite(item.value)
      ? ok(decimalFromNumber(item.value))
      : reject('malformed', 'not a finite number');
  }
  if (!(item instanceof CborTag) || item.tag !== DECIMAL_FRACTION) return integerFromCbor(item);
  if (!Array.isArray(item.value)) return reject('malformed', 'a decimal fraction is a pair');
  const [exponent, mantissa, ...rest] = item.value as readonly CborValue[];
  if (mantissa === undefined || rest.length > 0) return reject('malformed', 'a decimal fraction is a pair');
  if (typeof exponent !== 'number') return reject('malformed', 'the exponent is not a small integer');
  if (exponent === 0)
    return reject('not-deterministic', 'a decimal fraction of exponent 0 is written as an integer');
  const whole = integerFromCbor(mantissa);
  if (whole.kind === 'reject') return whole;
  const value = { mantissa: whole.value.mantissa, exponent };
  return isBoundedDecimal(value) ? ok(value) : reject('malformed', 'a decimal out of bounds');
}

function integerToCbor(value: bigint): CborValue {
  if (value >= -INTEGER_LIMIT && value < INTEGER_LIMIT) {
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }
  const magnitude = value < 0n ? -1n - value : value;
  return new CborTag(value < 0n ? NEGATIVE_BIGNUM : POSITIVE_BIGNUM, bigEndian(magnitude));
}

function integerFromCbor(item: CborValue): Parsed<Decimal, DecimalError> {
  if (typeof item === 'number' || typeof item === 'bigint') return ok(decimalFromInteger(item));
  if (!(item instanceof CborTag) || (item.tag !== POSITIVE_BIGNUM && item.tag !== NEGATIVE_BIGNUM)) {
    return reject('malformed', 'not a number');
  }
  if (!(item.value instanceof Uint8Array)) return reject('malformed', 'a bignum is a byte string');
  if (item.value.length > MAX_BIGNUM_BYTES) return reject('malformed', 'a decimal out of bounds');
  // Up to eight bytes fit an integer; leading zeros would give one number many forms (RFC 8949 section 3.4.3).
  if (item.value.length <= 8 || item.value[0] === 0) {
    return reject('not-deterministic', 'a bignum that is not in its shortest form');
  }
  let magnitude = 0n;
  for (const byte of item.value) magnitude = (magnitude << 8n) | BigInt(byte);
  const value = { mantissa: item.tag === NEGATIVE_BIGNUM ? -1n - magnitude : magnitude, exponent: 0 };
  return isBoundedDecimal(value) ? ok(value) : reject('malformed', 'a decimal out of bounds');
}

function bigEndian(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const even = hex.padStart(hex.length + (hex.length % 2), '0');
  return Uint8Array.from({ length: even.length / 2 }, (_, i) =>
    Number.parseInt(even.slice(2 * i, 2 * i + 2), 16),
  );
}
