/** A device's keys in the flat form in which they cross to a checking thread: one record after another. */
import { ALGORITHMS, type Algorithm } from '../../src/cose/algorithm.ts';

/** kid, algorithm, length of the key, when it was retired (milliseconds, NaN for not), the key, padded. */
const PLACE = { kid: 0, algorithm: 8, length: 9, retiredAt: 16, key: 24 } as const;
/** Room for an uncompressed point of 65 bytes. */
const RECORD_BYTES = 96;
const KID_BYTES = 8;

export interface PackedKey {
  readonly kid: Uint8Array;
  readonly algorithm: Algorithm;
  /** As `PublicKey.bytes`. */
  readonly bytes: Uint8Array;
  readonly retiredAt: number | undefined;
}

export function packKeys(keys: readonly PackedKey[]): Uint8Array {
  const packed = new Uint8Array(keys.length * RECORD_BYTES);
  const view = new DataView(packed.buffer);
  for (const [at, { kid, algorithm, bytes, retiredAt }] of keys.entries()) {
    const start = at * RECORD_BYTES;
    packed.set(kid, start + PLACE.kid);
    packed[start + PLACE.algorithm] = ALGORITHMS.indexOf(algorithm);
    packed[start + PLACE.length] = bytes.length;
    view.setFloat64(start + PLACE.retiredAt, retiredAt ?? Number.NaN);
    packed.set(bytes, start + PLACE.key);
  }
  return packed;
}

/** The record with this key identifier, or undefined. */
export function findPackedKey(packed: Uint8Array, kid: Uint8Array): PackedKey | undefined {
  for (let start = 0; start < packed.length; start += RECORD_BYTES) {
    if (isKidAt(packed, start, kid)) return readRecord(packed, start);
  }
  return undefined;
}

function isKidAt(packed: Uint8Array, start: number, kid: Uint8Array): boolean {
  for (let at = 0; at < KID_BYTES; at++) if (packed[start + at] !== kid[at]) return false;
  return true;
}

function readRecord(packed: Uint8Array, start: number): PackedKey {
  const from = start + PLACE.key;
  const retiredAt = new DataView(packed.buffer, packed.byteOffset + start).getFloat64(PLACE.retiredAt);
  return {
    kid: packed.subarray(start, start + KID_BYTES),
    algorithm: ALGORITHMS[packed[start + PLACE.algorithm] as number] as Algorithm,
    bytes: packed.subarray(from, from + (packed[start + PLACE.length] as number)),
    retiredAt: Number.isNaN(retiredAt) ? undefined : retiredAt,
  };
}
