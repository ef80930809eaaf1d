/**
 * Exact decimals: a reading keeps every digit its device wrote, and no digit more.
 *
 * "36.60" is {3660n, -2} and stays apart from "36.6" {366n, -1}: they are equal in value, not in precision.
 * There is no negative zero. Everything is bounded, so that a hostile 1e1000000 costs nothing.
 */

/** The value mantissa * 10^exponent. Its precision is the place of its last digit: 10^exponent. */
export interface Decimal {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Largest magnitude of an exponent taken from outside. Every finite IEEE 754 double fits exactly (it needs -1074). */
export const MAX_DECIMAL_EXPONENT = 1100;

/** Most digits of a mantissa taken from outside. Every finite IEEE 754 double fits exactly (it needs 767). */
export const MAX_DECIMAL_DIGITS = 800;

// One addition or product of two decimals from outside must never throw, whatever they are;
// beyond that the caller is computing something this module is not for.
const MAX_RESULT_EXPONENT = 4 * MAX_DECIMAL_EXPONENT;
const MANTISSA_LIMIT = 10n ** BigInt(MAX_DECIMAL_DIGITS);

// The grammar of a JSON number (RFC 8259 section 6), which is also FHIR's decimal.
const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,5}))?$/;
const MAX_TEXT_LENGTH = 2 * (MAX_DECIMAL_DIGITS + MAX_DECIMAL_EXPONENT);

/** Whether a decimal is small enough to be taken from, or given to, the outside. */
export function isBoundedDecimal(d: Decimal): boolean {
  return (
    Number.isInteger(d.exponent) &&
    Math.abs(d.exponent) <= MAX_DECIMAL_EXPONENT &&
    d.mantissa < MANTISSA_LIMIT &&
    d.mantissa > -MANTISSA_LIMIT
  );
}

/**
 * The decimal that a text writes, in the grammar of a JSON number, with all its places.
 * `undefined` when the text is something else, or larger than the bounds above.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT) return undefined;
  const magnitude = BigInt(whole + fraction);
  const parsed = { mantissa: sign === '-' ? -magnitude : magnitude, exponent };
  return isBoundedDecimal(parsed) ? parsed : undefined;
}

/** `parseDecimal` for texts the program itself holds. Throws TypeError when `text` is not a decimal. */
export function decimal(text: string): Decimal {
  const parsed = parseDecimal(text);
  if (parsed === undefined) throw new TypeError(`text: not a decimal: ${JSON.stringify(text.slice(0, 40))}`);
  return parsed;
}

/** The integer as a decimal. Throws RangeError when a number is not a safe integer. */
export function decimalFromInteger(value: number | bigint): Decimal {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError('value: not a safe integer');
  }
  return { mantissa: BigInt(value), exponent: 0 };
}

// Below this the plain form is mostly zeros.
const LEAST_PLAIN_MAGNITUDE = -30;

/**
 * The text of a decimal: a JSON number with the same places, so that `parseDecimal` gives back the same mantissa and
 * exponent. "0.0" for zero with one place; "5e2" where plain digits would claim precision that is not there.
 */
export function formatDecimal(d: Decimal): string {
  assertUsable(d);
  const sign = d.mantissa < 0n ? '-' : '';
  const digits = (d.mantissa < 0n ? -d.mantissa : d.mantissa).toString();
  if (d.exponent === 0) return sign + digits;
  if (d.exponent > 0 || digits.length + d.exponent < LEAST_PLAIN_MAGNITUDE) {
    return `${sign}${digits}e${d.exponent}`;
  }
  const places = -d.exponent;
  const padded = digits.padStart(places + 1, '0');
  return `${sign}${padded.slice(0, -places)}.${padded.slice(-places)}`;
}

/** The nearest double, correctly rounded; infinite when beyond the range of doubles. For display and plots only. */
export function decimalToNumber(d: Decimal): number {
  return Number(formatDecimal(d));
}

/** The exact value of a finite double; 23.1 becomes its 48 decimal places. Throws RangeError for NaN and infinities. */
export function decimalFromNumber(value: number): Decimal {
  if (!Number.isFinite(value)) throw new RangeError('value: not a finite number');
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const biased = Number((bits >> 52n) & 0x7ffn);
  let significand = biased === 0 ? fraction : fraction | (1n << 52n);
  let power = (biased === 0 ? 1 : biased) - 1075;
  if (significand === 0n) return { mantissa: 0n, exponent: 0 };
  for (; power < 0 && (significand & 1n) === 0n; power++) significand >>= 1n;
  const magnitude = power < 0 ? significand * 5n ** BigInt(-power) : significand << BigInt(power);
  return { mantissa: value < 0 ? -magnitude : magnitude, exponent: Math.min(power, 0) };
}

/** Order by value: negative, zero or positive. 36.60 and 36.6 compare equal. */
export function compareDecimal(a: Decimal, b: Decimal): number {
  const [left, right] = align(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The exact sum, with the places of the finer operand: 36 + 0.60 is 36.60. */
export function addDecimal(a: Decimal, b: Decimal): Decimal {
  const [left, right] = align(a, b);
  return { mantissa: left + right, exponent: Math.min(a.exponent, b.exponent) };
}

/** The exact product, with the places of both operands together. */
export function multiplyDecimal(a: Decimal, b: Decimal): Decimal {
  assertUsable(a);
  assertUsable(b);
  return { mantissa: a.mantissa * b.mantissa, exponent: a.exponent + b.exponent };
}

/** Both mantissas at the smaller of the two exponents. */
function align(a: Decimal, b: Decimal): [bigint, bigint] {
  assertUsable(a);
  assertUsable(b);
  const exponent = Math.min(a.exponent, b.exponent);
  return [scaleTo(a, exponent), scaleTo(b, exponent)];
}

function scaleTo(d: Decimal, exponent: number): bigint {
  return d.exponent === exponent ? d.mantissa : d.mantissa * powerOfTen(d.exponent - exponent);
}

/** Powers made before, bounded by the range of exponents: a pack of far exponents asks for the same few thousands of times. */
const POWERS_OF_TEN: bigint[] = [];

function powerOfTen(power: number): bigint {
  const made = POWERS_OF_TEN[power] ?? 10n ** BigInt(power);
  POWERS_OF_TEN[power] = made;
  return made;
}

function assertUsable(d: Decimal): void {
  if (!Number.isInteger(d.exponent) || Math.abs(d.exponent) > MAX_RESULT_EXPONENT) {
    throw new RangeError(`exponent: must be an integer within +-${MAX_RESULT_EXPONENT}`);
  }
}
