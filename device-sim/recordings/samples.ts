/** Decimals as int16 samples. */
import type { Decimal } from '../../src/decimal.ts';

/**
 * The values as multiples of 10^-places. Throws RangeError when one is finer than that or does not fit 16 bits:
 * a recording is carried exactly or not at all.
 */
export function toSamples(values: readonly Decimal[], places: number): Int16Array {
  return Int16Array.from(values, (value) => {
    const shift = value.exponent + places;
    const scaled =
      shift >= 0
        ? value.mantissa * 10n ** BigInt(shift)
        : exactQuotient(value.mantissa, 10n ** BigInt(-shift));
    if (scaled < -32768n || scaled > 32767n) throw new RangeError('values: one does not fit 16 bits');
    return Number(scaled);
  });
}

function exactQuotient(dividend: bigint, divisor: bigint): bigint {
  if (dividend % divisor !== 0n) throw new RangeError('values: one has more places than the scale');
  return dividend / divisor;
}
