/** Signatures of statements: the acceptance rule every verifier follows, and signers over keys in memory. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Algorithm } from './cose/algorithm.ts';
import type { PublicKey } from './cose/key.ts';
import { verifyEcdsa } from './signature/ecdsa.ts';
import { verifyEd25519 } from './signature/ed25519.ts';

/** Whatever holds a private key: a secure element, a key store, or {@link createSigner}. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** The 64-byte raw signature over `message`: R || S for Ed25519, r || s for ECDSA. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * Whether a signature is valid by the acceptance rule of docs/protocol.md.
 *
 * `publicKey` is in the form of {@link PublicKey}: 32 bytes, or 65 bytes uncompressed. Bad bytes of any kind give
 * `false`, never an exception. The rule is computed over point arithmetic because library calls differ from it:
 * some are cofactored, some take small-order keys, some refuse a high s.
 *
 * @throws {TypeError} when an argument is not of its type.
 */
export function verifySignature(
  algorithm: Algorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  requireBytes('publicKey', publicKey);
  requireBytes('message', message);
  requireBytes('signature', signature);
  switch (algorithm) {
    case 'Ed25519':
      return verifyEd25519(publicKey, message, signature);
    case 'ESP256':
    case 'ES256K':
      return verifyEcdsa(algorithm, publicKey, message, signature);
    default:
      throw new TypeError('algorithm: expected Ed25519, ESP256 or ES256K');
  }
}

/**
 * A signer over a 32-byte secret key: the seed for Ed25519 (RFC 8032), the scalar for ECDSA, which is made
 * deterministic by RFC 6979 and gives a low s. For simulators, tests and log keys; noble is not hardened against a
 * neighbour who measures time or power.
 *
 * @throws {RangeError} when `secretKey` is not a key of the algorithm.
 */
export function createSigner(algorithm: Algorithm, secretKey: Uint8Array): Signer {
  requireBytes('secretKey', secretKey);
  const secret = Uint8Array.from(secretKey);
  if (algorithm === 'Ed25519') {
    if (secret.length !== 32) throw new RangeError('secretKey: an Ed25519 seed has 32 bytes');
    const publicKey = { algorithm, bytes: ed25519.getPublicKey(secret) };
    return { publicKey, sign: (message) => ed25519.sign(message, secret) };
  }
  const curve = algorithm === 'ESP256' ? p256 : secp256k1;
  if (!curve.utils.isValidSecretKey(secret))
    throw new RangeError('secretKey: not a scalar in [1, n-1] of 32 bytes');
  const publicKey = { algorithm, bytes: curve.getPublicKey(secret, false) };
  return { publicKey, sign: (message) => curve.sign(message, secret, { lowS: true }) };
}

function requireBytes(name: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: expected a Uint8Array`);
}
