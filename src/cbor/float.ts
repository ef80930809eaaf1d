/** The three float widths of RFC 8949 section 3.3, and which of them is the shortest for a value. */

const scratch = new DataView(new ArrayBuffer(8));

/** The value of a binary16 given as its 16 bits. NaN payloads are not kept. */
export function float16FromBits(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (fraction + 0x400) * 2 ** (exponent - 25);
}

/** The bits of the binary16 equal to `value`, or `undefined` when there is none. NaN is always 7e00. */
export function float16ToBits(value: number): number | undefined {
  if (Number.isNaN(value)) return 0x7e00;
  scratch.setFloat64(0, value);
  const sign = (scratch.getUint8(0) & 0x80) << 8;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  // Half-precision numbers are the multiples of 2^-24 with at most 11 significant bits, up to 65504.
  if (magnitude > 65504) return undefined;
  const exponent = ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023;
  if (exponent < -14) {
    const steps = magnitude * 2 ** 24;
    return Number.isInteger(steps) ? sign | steps : undefined;
  }
  const significand = magnitude * 2 ** (10 - exponent);
  return Number.isInteger(significand) ? sign | ((exponent + 15) << 10) | (significand - 0x400) : undefined;
}

/** How many bytes the shortest float that keeps `value` has: 2, 4 or 8. */
export function shortestFloatBytes(value: number): 2 | 4 | 8 {
  if (float16ToBits(value) !== undefined) return 2;
  return Math.fround(value) === value ? 4 : 8;
}
