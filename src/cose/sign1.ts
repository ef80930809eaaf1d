/** COSE_Sign1 (RFC 9052 section 4.2), in the one encoding a statement has. */
import { CborError, type CborMap, CborTag, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { ok, type Parsed, reject } from '../verdict.ts';

/** A decoded COSE_Sign1. All byte strings are copies of the input's. */
export interface Sign1 {
  /** The content of the protected header's byte string, exactly as signed; empty when there are no parameters. */
  readonly protectedBytes: Uint8Array;
  readonly protectedHeader: CborMap;
  readonly unprotectedHeader: CborMap;
  /** `null` when the payload is detached. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}

const TAG_SIGN1 = 18;
const EMPTY: CborMap = new Map();
const EMPTY_BYTES = new Uint8Array(0);

/**
 * Reads `#6.18([protected, unprotected, payload, signature])`. The tag is required, once. Labels are integers or text
 * and stand in one header only (RFC 9052 section 3). What the parameters mean, and the signature, are not looked at.
 *
 * `not-deterministic`: CBOR in another encoding, inside the protected header too, or an empty protected header written
 * as an empty map. `malformed`: anything else that is wrong.
 */
export function decodeSign1(bytes: Uint8Array): Parsed<Sign1> {
  try {
    return readSign1(decodeCbor(bytes)); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, error.message);
    throw error;
  }
}

/** The deterministic encoding, tagged. `protectedBytes` is taken as it is; the unprotected header defaults to empty. */
export function encodeSign1(parts: {
  readonly protectedBytes: Uint8Array;
  readonly unprotectedHeader?: CborMap;
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}): Uint8Array {
  const { protectedBytes, unprotectedHeader = EMPTY, payload, signature } = parts;
  return encodeCbor(new CborTag(TAG_SIGN1, [protectedBytes, unprotectedHeader, payload, signature]));
}

/**
 * What is signed: the Sig_structure `["Signature1", protected, h'', payload]` of RFC 9052 section 4.4, with no external
 * data. A protected header without parameters is signed as the empty byte string, however it was written.
 */
export function signatureInput(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const empty = protectedBytes.length === 1 && protectedBytes[0] === 0xa0;
  return encodeCbor(['Signature1', empty ? EMPTY_BYTES : protectedBytes, EMPTY_BYTES, payload]);
}

function readSign1(item: CborValue): Parsed<Sign1> {
  if (!(item instanceof CborTag) || item.tag !== TAG_SIGN1)
    return reject('malformed', 'not tagged as COSE_Sign1 (18)');
  const parts: CborValue = item.value;
  if (!Array.isArray(parts) || parts.length !== 4)
    return reject('malformed', 'COSE_Sign1 is not an array of four');
  const [protectedBytes, unprotectedHeader, payload, signature] = parts as readonly CborValue[];
  if (!(protectedBytes instanceof Uint8Array))
    return reject('malformed', 'protected header is not a byte string');
  if (!(unprotectedHeader instanceof Map)) return reject('malformed', 'unprotected header is not a map');
  if (payload !== null && !(payload instanceof Uint8Array))
    return reject('malformed', 'payload is not a byte string');
  if (!(signature instanceof Uint8Array)) return reject('malformed', 'signature is not a byte string');
  const protectedHeader = protectedBytes.length === 0 ? EMPTY : decodeCbor(protectedBytes);
  if (!(protectedHeader instanceof Map)) return reject('malformed', 'protected header is not a map');
  if (protectedHeader.size === 0 && protectedBytes.length > 0) {
    return reject('not-deterministic', 'an empty protected header is the empty byte string');
  }
  const fault = labelFault(protectedHeader, unprotectedHeader);
  if (fault !== undefined) return reject('malformed', fault);
  return ok({ protectedBytes, protectedHeader, unprotectedHeader, payload, signature });
}

function labelFault(protectedHeader: CborMap, unprotectedHeader: CborMap): string | undefined {
  for (const label of protectedHeader.keys()) {
    if (label instanceof Uint8Array) return 'a header label is neither integer nor text';
  }
  for (const label of unprotectedHeader.keys()) {
    if (label instanceof Uint8Array) return 'a header label is neither integer nor text';
    if (protectedHeader.has(label)) return 'a label stands in both headers';
  }
  return undefined;
}
