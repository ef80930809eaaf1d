/** Statements put together part by part, so that a vector can change any one of them. */
import { concatBytes } from '../../src/bytes.ts';
import { type CborValue, encodeCbor } from '../../src/cbor.ts';
import { ALGORITHM_IDS } from '../../src/cose/algorithm.ts';
import { keyId } from '../../src/cose/key.ts';
import { signatureInput } from '../../src/cose/sign1.ts';
import type { IgnoreCode, RejectCode } from '../../src/verdict.ts';
import { hex, type Raw, type RawEntries, raw, rawArray, rawMap } from './raw-cbor.ts';
import { DEVICES, type TestDevice } from './test-keys.ts';

/** What a verifier that knows the device's key and the topic must answer. */
export type Expected = 'accept' | Exclude<RejectCode | IgnoreCode, 'duplicate'>;

/** One vector before it is written out. */
export interface Draft {
  readonly name: string;
  readonly description: string;
  readonly device: TestDevice;
  /** The device that the topic names, when it is another. */
  readonly topicDevice?: string;
  readonly bytes: Uint8Array;
  readonly expected: Expected;
}

/** The four parts of a COSE_Sign1, each encoded. */
export interface Parts {
  readonly protectedHeader: Raw;
  readonly unprotectedHeader: Raw;
  readonly payload: Raw;
  readonly signature: Raw;
}

/** How a draft differs from the plain statement. Everything absent is as it should be, and the signature fits. */
export interface Changes {
  readonly device?: TestDevice;
  /** Changes the header's entries, which come in the right order. */
  readonly entries?: (entries: RawEntries) => RawEntries;
  /** Encodes the header's entries, instead of a definite map. */
  readonly header?: (entries: RawEntries) => Raw;
  readonly payload?: Uint8Array;
  /** What is signed, instead of the Sig_structure. */
  readonly message?: (protectedBytes: Uint8Array, payload: Uint8Array) => Uint8Array;
  readonly sign?: (message: Uint8Array, protectedBytes: Uint8Array) => Uint8Array;
  readonly parts?: (parts: Parts, content: { readonly protectedBytes: Uint8Array }) => Partial<Parts>;
  /** Puts the parts together, instead of a tagged array of four. */
  readonly outer?: (parts: readonly Raw[]) => Raw;
}

/** One heart rate, 72 per minute: `[{0: "hr", 1: "1/min", 2: 72}]`. */
export const PAYLOAD: Uint8Array = encodeCbor([
  new Map<CborValue, CborValue>([
    [0, 'hr'],
    [1, '1/min'],
    [2, 72],
  ]),
]);
export const PREV: Uint8Array = new Uint8Array(32).fill(0xaa);
export const ISSUED_AT = 1_760_000_000;

/** The CWT claims of the plain statement. */
export function plainClaims(device: TestDevice): RawEntries {
  return [
    [raw(1), raw(device.urn)],
    [raw(2), raw('vitals')],
    [raw(6), raw(ISSUED_AT)],
  ];
}

/** The header of the plain statement: number 5 of its device, with clock, without beacon and boot. */
export function plainEntries(device: TestDevice): RawEntries {
  return [
    [raw(1), raw(ALGORITHM_IDS[device.algorithm])],
    [raw(3), raw(112)],
    [raw(4), raw(keyId(device.signer.publicKey))],
    [raw(15), rawMap(plainClaims(device))],
    [raw(-70001), raw(5)],
    [raw(-70002), raw(PREV)],
  ];
}

/** The bytes of the plain statement with these changes. */
export function draft(changes: Changes = {}): Uint8Array {
  const device = changes.device ?? DEVICES.Ed25519;
  const entries = changes.entries?.(plainEntries(device)) ?? plainEntries(device);
  const protectedBytes = changes.header?.(entries) ?? rawMap(entries);
  const payload = changes.payload ?? PAYLOAD;
  const message = (changes.message ?? signatureInput)(protectedBytes, payload);
  const signature = changes.sign?.(message, protectedBytes) ?? signNow(device, message);
  const plain: Parts = {
    protectedHeader: raw(protectedBytes),
    unprotectedHeader: hex('a0'),
    payload: raw(payload),
    signature: raw(signature),
  };
  const parts: Parts = { ...plain, ...changes.parts?.(plain, { protectedBytes }) };
  const list = [parts.protectedHeader, parts.unprotectedHeader, parts.payload, parts.signature];
  return changes.outer?.(list) ?? concatBytes(hex('d2'), rawArray(list));
}

/** Signs with a test key, which answers at once. */
export function signNow(device: TestDevice, message: Uint8Array): Uint8Array {
  const signature = device.signer.sign(message);
  if (signature instanceof Promise) throw new TypeError('device: a test key signs synchronously');
  return signature;
}

/** The entries with the value of one key replaced; a new key goes where the order wants it, `undefined` removes it. */
export function setEntry(entries: RawEntries, key: CborValue, value: Raw | undefined): RawEntries {
  const map = new Map(entries.map(([k, v]) => [Buffer.from(k).toString('hex'), v] as const));
  const name = Buffer.from(raw(key)).toString('hex');
  if (value === undefined) map.delete(name);
  else map.set(name, value);
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [hex(k), v] as const);
}

/** Changes that set one header parameter. */
export const withLabel = (label: CborValue, value: Raw | undefined): Changes => ({
  entries: (entries) => setEntry(entries, label, value),
});

/** Changes that set one CWT claim. */
export const withClaim = (
  claim: CborValue,
  value: Raw | undefined,
  device: TestDevice = DEVICES.Ed25519,
): Changes => ({
  device,
  entries: (entries) => setEntry(entries, 15, rawMap(setEntry(plainClaims(device), claim, value))),
});
