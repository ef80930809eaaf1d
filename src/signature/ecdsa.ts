/** ECDSA with SHA-256 over P-256 and secp256k1, by the acceptance rule of docs/protocol.md. */
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Algorithm } from '../cose/algorithm.ts';

/** The algorithms that are ECDSA. */
export type EcdsaAlgorithm = Exclude<Algorithm, 'Ed25519'>;

const CURVES = { ESP256: p256, ES256K: secp256k1 } as const;
type CurvePoint = InstanceType<(typeof p256)['Point']>;

/**
 * The 65-byte uncompressed form of a public key given uncompressed or compressed (33 bytes), or `undefined` when it is
 * no point of the curve, is the point at infinity, or stands in another form (SEC 1 section 2.3.4).
 */
export function parseEcdsaPoint(algorithm: EcdsaAlgorithm, bytes: Uint8Array): Uint8Array | undefined {
  return decodePoint(algorithm, bytes)?.toBytes(false);
}

/**
 * Whether `signature` = r || s (64 bytes, big-endian) is valid for the 65-byte `publicKey` over SHA-256 of the message
 * (FIPS 186-5 section 6.4.2). Any r and s in [1, n-1] may be valid: secure elements do not normalise s.
 * False for bytes of any other length or form.
 */
export function verifyEcdsa(
  algorithm: EcdsaAlgorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64 || publicKey.length !== 65) return false;
  const { BASE, Fn } = CURVES[algorithm].Point;
  const r = bigEndian(signature.subarray(0, 32));
  const s = bigEndian(signature.subarray(32));
  if (r === 0n || r >= Fn.ORDER || s === 0n || s >= Fn.ORDER) return false;
  const q = decodePoint(algorithm, publicKey); // attacker-controlled
  if (q === undefined) return false;
  const w = Fn.inv(s);
  const u1 = Fn.mul(Fn.create(bigEndian(sha256(message))), w);
  const sum = BASE.mulAddUnsafe(u1, q, Fn.mul(r, w));
  return !sum.is0() && sum.toAffine().x % Fn.ORDER === r;
}

function decodePoint(algorithm: EcdsaAlgorithm, bytes: Uint8Array): CurvePoint | undefined {
  if (bytes.length !== 65 && bytes.length !== 33) return undefined;
  try {
    return CURVES[algorithm].Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
