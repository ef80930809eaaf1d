/**
 * What a device hears: verdicts, requests to send again, beacons (docs/protocol.md, "Topics").
 * A device owes the network no verdict, so whatever it cannot use is `undefined` and nothing else happens.
 */
import { CborError, type CborMap, type CborValue, decodeCbor } from '../src/cbor.ts';
import type { Beacon } from '../src/statement.ts';

/** What the gateway says of one statement. Anything may be missing; `verdict` is accept, ignore or reject. */
export interface Answer {
  readonly verdict: string;
  readonly seq?: number;
  readonly boot?: number;
  readonly code?: string;
  readonly index?: number;
  /** First bytes of the SHA-256 of the refused statement: whose refusal this is. */
  readonly entry?: Uint8Array;
  readonly flags: readonly string[];
}

/** Statements to send again, inclusive at both ends; without `boot` the device's present one is meant. */
export interface ResendRange {
  readonly boot?: number;
  readonly from: number;
  readonly to: number;
}

/** What an answer names of a SHA-256, at least. */
const ENTRY_BYTES = 8;

/** A message from the acks topic. */
export function decodeAnswer(payload: Uint8Array): Answer | undefined {
  const map = decodeMap(payload);
  const verdict = map?.get('verdict');
  if (map === undefined || typeof verdict !== 'string') return undefined;
  const seq = counter(map.get('seq'));
  const boot = counter(map.get('boot'));
  const index = counter(map.get('index'));
  const code = map.get('code');
  const entry = map.get('entry');
  const flags = map.get('flags');
  return {
    verdict,
    ...(seq !== undefined && { seq }),
    ...(boot !== undefined && { boot }),
    ...(typeof code === 'string' && { code }),
    ...(index !== undefined && { index }),
    ...(entry instanceof Uint8Array && entry.length >= ENTRY_BYTES && { entry }),
    flags: Array.isArray(flags) ? flags.filter((flag) => typeof flag === 'string') : [],
  };
}

/** A message from the requests topic: {resend: [[boot, from, to] or [from, to], ...]}. Unusable ranges are left out. */
export function decodeResend(payload: Uint8Array): readonly ResendRange[] {
  const ranges = decodeMap(payload)?.get('resend');
  if (!Array.isArray(ranges)) return [];
  return (ranges as readonly CborValue[]).flatMap((range) => {
    if (!Array.isArray(range)) return [];
    const numbers = (range as readonly CborValue[]).map(counter);
    const [boot, from, to] = numbers.length === 2 ? [undefined, ...numbers] : numbers;
    if (numbers.length < 2 || numbers.length > 3 || numbers.includes(undefined)) return [];
    if (from === undefined || to === undefined || from > to) return [];
    return [{ from, to, ...(boot !== undefined && { boot }) }];
  });
}

/** A message from the beacon topic: [block number, block hash, time]. */
export function decodeBeacon(payload: Uint8Array): Beacon | undefined {
  const item = decode(payload);
  if (!Array.isArray(item)) return undefined;
  const [number, hash] = item as readonly CborValue[];
  if ((typeof number !== 'number' && typeof number !== 'bigint') || number < 0) return undefined;
  if (!(hash instanceof Uint8Array) || hash.length !== 32) return undefined;
  return { blockNumber: BigInt(number), blockHash: hash };
}

function decodeMap(payload: Uint8Array): CborMap | undefined {
  const item = decode(payload);
  return item instanceof Map ? item : undefined;
}

function decode(payload: Uint8Array): CborValue | undefined {
  try {
    return decodeCbor(payload); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
}

function counter(value: CborValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A challenge for a connect token: 8 to 64 bytes. */
export function decodeChallenge(payload: Uint8Array): Uint8Array | undefined {
  const challenge = decode(payload);
  const isOne = challenge instanceof Uint8Array && challenge.length >= 8 && challenge.length <= 64;
  return isOne ? challenge : undefined;
}
