/** CWT claims in a protected header (RFC 9597): who says it, about what, when. */
import { CborFloat, type CborMap, type CborValue } from '../cbor.ts';

/** Claim keys of the IANA CWT registry. */
export const CLAIM = { iss: 1, sub: 2, iat: 6, cti: 7 } as const;

/** Years 0001 to 9999, the instants RFC 3339 can write. Any of them is accepted, however wrong the clock. */
const EARLIEST_S = -62_135_596_800;
const LATEST_S = 253_402_300_799;
const MAX_SUBJECT_BYTES = 128;
const UTF8 = new TextEncoder();

/**
 * Seconds since the Unix epoch out of an `iat` claim: an integer or a float, within years 0001 to 9999.
 * `undefined` for anything else.
 */
export function timeFromCbor(value: CborValue | undefined): number | undefined {
  const seconds = value instanceof CborFloat ? value.value : value;
  if (typeof seconds !== 'number') return undefined;
  return seconds >= EARLIEST_S && seconds <= LATEST_S ? seconds : undefined;
}

/** The `iat` claim for a time in seconds: an integer when it is whole, otherwise a float. */
export function timeToCbor(seconds: number): CborValue {
  return Number.isSafeInteger(seconds) ? seconds : new CborFloat(seconds);
}

/** Whether a value can be a `sub`: 1 to 128 bytes of UTF-8 without control characters. */
export function isSubject(value: CborValue | undefined): value is string {
  if (typeof value !== 'string' || value.length === 0) return false;
  // No character takes more than three bytes for each of its UTF-16 units: most need not be encoded to be measured.
  const isShort = 3 * value.length <= MAX_SUBJECT_BYTES || UTF8.encode(value).length <= MAX_SUBJECT_BYTES;
  return isShort && !/\p{Cc}/u.test(value);
}

/** The first key of `map` that is not one of `known`. */
export function unknownKey(map: CborMap, known: ReadonlySet<CborValue>): CborValue | undefined {
  for (const key of map.keys()) if (!known.has(key)) return key;
  return undefined;
}

/** A header label or claim key as it may stand in a message: numbers as they are, text only as a word. */
export function describeKey(key: CborValue): string {
  return typeof key === 'number' || typeof key === 'bigint' ? `${key}` : 'text';
}
