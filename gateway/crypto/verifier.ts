/**
 * The acceptance rule of docs/protocol.md on native code.
 *
 * libsodium's Ed25519 verification is the rule as it stands. OpenSSL's ECDSA, asked for raw r||s, is too: it takes any
 * s in [1, n-1]. What it does not check is the length of the signature, so that is done here.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import sodium from 'sodium-native';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import type { PublicKey } from '../../src/cose/key.ts';
import { asBuffer } from './bytes.ts';

const SIGNATURE_BYTES = 64;
const CURVES: Record<Exclude<Algorithm, 'Ed25519'>, string> = { ESP256: 'P-256', ES256K: 'secp256k1' };

/** A key prepared once and used for every statement of its device. */
export interface NativeKey {
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** Prepares a key that has passed enrolment (on its curve, not of small order). */
export function prepareKey(key: PublicKey): NativeKey {
  return key.algorithm === 'Ed25519'
    ? new SodiumKey(key.bytes)
    : new OpensslKey(CURVES[key.algorithm], key.bytes);
}

class SodiumKey implements NativeKey {
  readonly #key: Buffer;

  constructor(bytes: Uint8Array) {
    this.#key = Buffer.from(bytes);
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    return sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(message), this.#key);
  }
}

class OpensslKey implements NativeKey {
  readonly #key: KeyObject;

  constructor(crv: string, bytes: Uint8Array) {
    const half = (bytes.length - 1) / 2;
    const coordinate = (from: number): string =>
      Buffer.from(bytes.subarray(from, from + half)).toString('base64url');
    const jwk = { kty: 'EC', crv, x: coordinate(1), y: coordinate(1 + half) };
    this.#key = createPublicKey({ key: jwk, format: 'jwk' });
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    return verify('sha256', message, { key: this.#key, dsaEncoding: 'ieee-p1363' }, signature);
  }
}
