/** The beacon: a recent block, which proves that what carries it was made after that block. */
import type { CborValue } from '../cbor.ts';

/** A block of the anchoring chain as last heard from the gateway. */
export interface Beacon {
  /** At least 0, below 2^64. */
  readonly blockNumber: bigint;
  /** 32 bytes. */
  readonly blockHash: Uint8Array;
}

/** `[block number, block hash]`. */
export function beaconToCbor(beacon: Beacon): CborValue {
  return [beacon.blockNumber, beacon.blockHash];
}

/** The beacon, or `undefined` unless the value is `[uint, bytes .size 32]`. */
export function beaconFromCbor(value: CborValue | undefined): Beacon | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [number, hash] = value as readonly CborValue[];
  const integer = typeof number === 'bigint' || (typeof number === 'number' && Number.isSafeInteger(number));
  if (!integer || number < 0) return undefined;
  if (!(hash instanceof Uint8Array) || hash.length !== 32) return undefined;
  return { blockNumber: BigInt(number), blockHash: hash };
}
