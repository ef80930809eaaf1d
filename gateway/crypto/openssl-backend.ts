/**
 * All three algorithms on OpenSSL, through node:crypto.
 *
 * ECDSA: OpenSSL's rule is ours; it takes any s in [1, n-1]. A signature goes in as DER, made here: asked for raw r || s node
 * looks up the key's group each time, which makes a P-256 verification 40 % dearer (bench/verify). Ed25519: OpenSSL checks S < L
 * and compares R byte by byte. Versions up to 3.0 take keys and R of small order and keys that are not canonical (113 of the
 * generated cases), 3.5 none; node may be linked against either, so what the older ones lack is checked here.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { parsePublicKey } from '../../src/cose/key.ts';
import { derSignature } from './der-signature.ts';
import { isUsableEncoding } from './ed25519-encoding.ts';
import {
  makeBackend,
  type NativeKey,
  noKey,
  requireBytes,
  SIGNATURE_BYTES,
  type SignatureBackend,
} from './signature-backend.ts';

/** SubjectPublicKeyInfo up to the key itself (RFC 5480, RFC 8410), and the key's length. */
const SPKI: Readonly<Record<Algorithm, { readonly head: Buffer; readonly keyBytes: number }>> = {
  Ed25519: { head: Buffer.from('302a300506032b6570032100', 'hex'), keyBytes: 32 },
  ESP256: {
    head: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
    keyBytes: 65,
  },
  ES256K: { head: Buffer.from('3056301006072a8648ce3d020106052b8104000a034200', 'hex'), keyBytes: 65 },
};
/** Of the forms of SEC 1 section 2.3.3 the one that verification takes. */
const UNCOMPRESSED = 4;

export const OPENSSL_BACKEND: SignatureBackend = makeBackend(
  'openssl',
  ['Ed25519', 'ESP256', 'ES256K'],
  prepareKey,
);

function prepareKey(algorithm: Algorithm, publicKey: Uint8Array): NativeKey {
  if (publicKey.length !== SPKI[algorithm].keyBytes) return noKey();
  if (algorithm === 'Ed25519') {
    if (!isUsableEncoding(publicKey)) return noKey();
    return new Ed25519Key(readKey(algorithm, publicKey));
  }
  if (publicKey[0] !== UNCOMPRESSED) return noKey();
  let key: KeyObject;
  try {
    key = readKey(algorithm, publicKey); // attacker-controlled
  } catch (error) {
    // No point of the curve: such a key verifies nothing. A good one that OpenSSL will not take is a failure of ours,
    // and must not turn into the verdict that its device's signatures are bad.
    if (parsePublicKey(algorithm, publicKey).kind === 'reject') return noKey();
    throw error;
  }
  return new EcdsaKey(key);
}

function readKey(algorithm: Algorithm, publicKey: Uint8Array): KeyObject {
  const key = Buffer.concat([SPKI[algorithm].head, publicKey]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

class EcdsaKey implements NativeKey {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    requireBytes(message, signature);
    if (signature.length !== SIGNATURE_BYTES) return false;
    return verify('sha256', message, this.#key, derSignature(signature));
  }
}

class Ed25519Key implements NativeKey {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    requireBytes(message, signature);
    if (signature.length !== SIGNATURE_BYTES || !isUsableEncoding(signature)) return false;
    return verify(null, message, this.#key, signature);
  }
}
