/** Ed25519 over noble's point arithmetic: keys and signatures by the acceptance rule of docs/protocol.md. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, equalBytes } from '../bytes.ts';

const { Point } = ed25519;
type EdwardsPoint = InstanceType<typeof Point>;

/** A copy of a 32-byte public key, or `undefined` unless it is canonical and of prime order L. */
export function parseEd25519Point(bytes: Uint8Array): Uint8Array | undefined {
  const point = decodePoint(bytes);
  if (point === undefined || point.isSmallOrder() || !point.isTorsionFree()) return undefined;
  return Uint8Array.from(bytes);
}

/**
 * Whether `signature` = R || S is valid for `publicKey` = A: S < L, A canonical, neither A nor R of small order, and
 * [S]B - [k]A encodes to the very bytes of R, with k = SHA-512(R || A || M) (RFC 8032 section 5.1.7, cofactorless).
 * That comparison admits only the canonical encoding of R. False for bytes of any other length.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const encodedR = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const a = decodePoint(publicKey); // attacker-controlled
  if (a === undefined || a.isSmallOrder()) return false;
  const k = littleEndian(sha512(concatBytes(encodedR, publicKey, message))) % Point.Fn.ORDER;
  const r = Point.BASE.multiplyUnsafe(s).add(a.negate().multiplyUnsafe(k));
  return !r.isSmallOrder() && equalBytes(r.toBytes(), encodedR);
}

/** The point that 32 bytes encode canonically (RFC 8032 section 5.1.3), or `undefined`. */
function decodePoint(bytes: Uint8Array): EdwardsPoint | undefined {
  if (bytes.length !== 32) return undefined;
  try {
    return Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}
