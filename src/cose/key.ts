/** Public keys as COSE_Key (RFC 9052 section 7, RFC 9053 section 7) and their thumbprints (RFC 9679). */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../bytes.ts';
import { CborError, type CborMap, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { parseEcdsaPoint } from '../signature/ecdsa.ts';
import { parseEd25519Point } from '../signature/ed25519.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { ALGORITHM_IDS, type Algorithm, algorithmFromId } from './algorithm.ts';

/**
 * A public key that passed {@link parsePublicKey}. `bytes`: 32 bytes (RFC 8032 section 5.1.2) for Ed25519, the
 * 65 bytes of SEC 1 section 2.3.3, uncompressed, for ESP256 and ES256K.
 */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly bytes: Uint8Array;
}

/** Key types and curves of the IANA COSE registries. */
const KEY_FORMS: Readonly<Record<Algorithm, { readonly kty: number; readonly crv: number }>> = {
  Ed25519: { kty: 1, crv: 6 },
  ESP256: { kty: 2, crv: 1 },
  ES256K: { kty: 2, crv: 8 },
};
const KTY = 1;
const KID = 2;
const ALG = 3;
const CRV = -1;
const X = -2;
const Y = -3;
const D = -4;

/**
 * Checks a public key and gives it in its one form. Every key passes here, at enrolment, before it is used.
 *
 * `bytes` is 32 bytes for Ed25519; for ECDSA 65 bytes uncompressed or 33 bytes compressed. Refused as `malformed`:
 * another length or prefix (the hybrid form too), a point off the curve or at infinity, a coordinate that is not
 * reduced, and for Ed25519 every point outside the prime-order subgroup. The result holds a copy.
 */
export function parsePublicKey(algorithm: Algorithm, bytes: Uint8Array): Parsed<PublicKey> {
  const point = algorithm === 'Ed25519' ? parseEd25519Point(bytes) : parseEcdsaPoint(algorithm, bytes);
  if (point === undefined) return reject('malformed', `not a usable ${algorithm} public key`);
  return ok({ algorithm, bytes: point });
}

/** The COSE_Key of the required members only, deterministically encoded: also the thumbprint's input. */
export function encodeCoseKey(key: PublicKey): Uint8Array {
  const { kty, crv } = KEY_FORMS[key.algorithm];
  const members = new Map<CborValue, CborValue>([
    [KTY, kty],
    [CRV, crv],
  ]);
  if (key.algorithm === 'Ed25519') {
    members.set(X, key.bytes);
  } else {
    members.set(X, key.bytes.subarray(1, 33));
    members.set(Y, key.bytes.subarray(33, 65));
  }
  return encodeCbor(members);
}

/** Checks the point of a key: {@link parsePublicKey}, or native code that follows the same rule. */
export type PublicKeyParser = typeof parsePublicKey;

/**
 * Reads a COSE_Key and checks it as {@link parsePublicKey} does, or as `parse` does in its place. `kid` is ignored and `alg`, when there, must name the
 * curve's algorithm. A key with its private part (`d`) or any other member is refused as `malformed`, one in another
 * encoding as `not-deterministic`.
 */
export function decodeCoseKey(bytes: Uint8Array, parse: PublicKeyParser = parsePublicKey): Parsed<PublicKey> {
  let members: CborValue;
  try {
    members = decodeCbor(bytes); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `COSE_Key: ${error.message}`);
    throw error;
  }
  if (!(members instanceof Map)) return reject('malformed', 'COSE_Key: not a map');
  if (members.has(D)) return reject('malformed', 'COSE_Key: holds a private key');
  for (const label of members.keys()) {
    if (label !== KID && label !== ALG && !isKeyMember(label))
      return reject('malformed', 'COSE_Key: unknown member');
  }
  return fromMembers(members, parse);
}

/** The COSE key thumbprint of RFC 9679 with SHA-256: 32 bytes. */
export function thumbprint(key: PublicKey): Uint8Array {
  return sha256(encodeCoseKey(key));
}

/** The key id (`kid`) of a statement: the first 8 bytes of the thumbprint. */
export function keyId(key: PublicKey): Uint8Array {
  return thumbprint(key).slice(0, 8);
}

function isKeyMember(label: CborValue): boolean {
  return label === KTY || label === CRV || label === X || label === Y;
}

function fromMembers(members: CborMap, parse: PublicKeyParser): Parsed<PublicKey> {
  const algorithm = algorithmOf(members.get(KTY), members.get(CRV));
  if (algorithm === undefined) return reject('malformed', 'COSE_Key: unknown key type or curve');
  const alg = members.get(ALG);
  if (alg !== undefined && (typeof alg !== 'number' || algorithmFromId(alg) !== algorithm)) {
    return reject('malformed', 'COSE_Key: alg does not fit the curve');
  }
  const point = pointBytes(algorithm, members.get(X), members.get(Y));
  if (point === undefined) return reject('malformed', 'COSE_Key: coordinates missing or of the wrong form');
  return parse(algorithm, point);
}

function algorithmOf(kty: CborValue | undefined, crv: CborValue | undefined): Algorithm | undefined {
  for (const algorithm of Object.keys(ALGORITHM_IDS) as Algorithm[]) {
    const form = KEY_FORMS[algorithm];
    if (form.kty === kty && form.crv === crv) return algorithm;
  }
  return undefined;
}

/** The point as {@link parsePublicKey} reads it. For EC2, `y` is the coordinate or its sign bit (RFC 9053 section 7.1.1). */
function pointBytes(
  algorithm: Algorithm,
  x: CborValue | undefined,
  y: CborValue | undefined,
): Uint8Array | undefined {
  if (!(x instanceof Uint8Array) || x.length !== 32) return undefined;
  if (algorithm === 'Ed25519') return y === undefined ? x : undefined;
  if (typeof y === 'boolean') return concatBytes(Uint8Array.of(y ? 3 : 2), x);
  if (!(y instanceof Uint8Array) || y.length !== 32) return undefined;
  return concatBytes(Uint8Array.of(4), x, y);
}
