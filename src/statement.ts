/** Statements: what a device signs, and the first thing anybody does with one (docs/protocol.md, "Statement"). */
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeCbor } from './cbor.ts';
import { ALGORITHM_IDS, type Algorithm } from './cose/algorithm.ts';
import { keyId } from './cose/key.ts';
import { decodeSign1, encodeSign1, signatureInput } from './cose/sign1.ts';
import type { Signer } from './signature.ts';
import type { Beacon } from './statement/beacon.ts';
import { headerFromCbor, headerToCbor } from './statement/header.ts';
import { ok, type Parsed, reject } from './verdict.ts';

export type { Beacon } from './statement/beacon.ts';
export { isDeviceUrn } from './statement/device-urn.ts';

/** What a device states. */
export interface StatementFields {
  /** The device's URN ({@link isDeviceUrn}). */
  readonly issuer: string;
  /** The stream, such as "vitals" or "ecg": 1 to 128 bytes of UTF-8 without control characters. */
  readonly subject: string;
  /** CoAP content format (112 is application/senml+cbor) or media type of the payload. */
  readonly contentType: number | string;
  /** The device's clock, seconds since the Unix epoch, may carry a fraction. Absent without a clock. */
  readonly issuedAt?: number;
  /** Grows by exactly 1 from 0, within one boot. */
  readonly seq: number;
  /** 32 bytes: {@link hashEntry} of the device's previous statement. Absent exactly when seq is 0. */
  readonly prev?: Uint8Array;
  readonly beacon?: Beacon;
  /** Grows when the device has lost its counter. Default 0. */
  readonly boot?: number;
  readonly payload: Uint8Array;
}

/** A decoded statement. It owns its bytes: nothing in it changes when the input's memory is used again. */
export interface Statement extends StatementFields {
  readonly boot: number;
  /** The exact bytes. */
  readonly bytes: Uint8Array;
  readonly algorithm: Algorithm;
  /** 8 bytes: the start of the key's thumbprint. */
  readonly kid: Uint8Array;
  /** 64 bytes, not yet verified. */
  readonly signature: Uint8Array;
  /** What `signature` is over: the Sig_structure of RFC 9052 section 4.4. */
  readonly signedBytes: Uint8Array;
}

const SIGNATURE_BYTES = 64;

/**
 * Builds the statement, has it signed, and gives its exact bytes.
 *
 * @throws {RangeError} when a field is outside what {@link decodeStatement} accepts, before anything is signed, or
 * when the signer does not give 64 bytes. What the signer throws passes through.
 */
export async function signStatement(fields: StatementFields, signer: Signer): Promise<Uint8Array> {
  const { algorithm } = signer.publicKey;
  const header = headerToCbor({
    ...fields,
    boot: fields.boot ?? 0,
    kid: keyId(signer.publicKey),
    algorithmId: ALGORITHM_IDS[algorithm],
  });
  const checked = headerFromCbor(header);
  if (checked.kind === 'reject') throw new RangeError(`fields: ${checked.detail}`);
  if (!(fields.payload instanceof Uint8Array)) throw new TypeError('payload: expected a Uint8Array');
  const protectedBytes = encodeCbor(header);
  const signature = await signer.sign(signatureInput(protectedBytes, fields.payload));
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError('signer: a raw signature has 64 bytes');
  return encodeSign1({ protectedBytes, payload: fields.payload, signature });
}

/**
 * Reads a statement. Bytes that are CBOR in another encoding are `not-deterministic`; whatever else the form of a
 * statement does not allow is `malformed`. The signature is not checked, nor the payload looked into.
 */
export function decodeStatement(bytes: Uint8Array): Parsed<Statement> {
  const sign1 = decodeSign1(bytes);
  if (sign1.kind === 'reject') return sign1;
  const { protectedBytes, protectedHeader, unprotectedHeader, payload, signature } = sign1.value;
  if (unprotectedHeader.size > 0) return reject('malformed', 'unprotected header: not empty');
  if (payload === null) return reject('malformed', 'payload: detached');
  if (signature.length !== SIGNATURE_BYTES) return reject('malformed', 'signature: not 64 bytes');
  const header = headerFromCbor(protectedHeader);
  if (header.kind === 'reject') return header;
  const signedBytes = signatureInput(protectedBytes, payload);
  return ok({ ...header.value, payload, signature, signedBytes, bytes: new Uint8Array(bytes) });
}

/** The log entry of a statement: SHA-256 of its exact bytes, 32 bytes. Also the `prev` of the device's next one. */
export function hashEntry(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}
