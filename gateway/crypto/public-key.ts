/**
 * The rule for public keys of docs/protocol.md on native code. noble takes a millisecond to see that an Ed25519 key lies in the
 * prime-order subgroup; ten thousand enrolments, or as many devices that come back together, cannot wait for that.
 */
import sodium from 'sodium-native';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { decodeCoseKey, type PublicKey, parsePublicKey } from '../../src/cose/key.ts';
import { ok, type Parsed, reject } from '../../src/verdict.ts';

const ED25519_BYTES = 32;

/** As `parsePublicKey` of src, with the same result for every input. */
export function parsePublicKeyNatively(algorithm: Algorithm, bytes: Uint8Array): Parsed<PublicKey> {
  if (algorithm !== 'Ed25519') return parsePublicKey(algorithm, bytes);
  // libsodium: canonical, on the curve, not of small order, on the main subgroup.
  const isUsable =
    bytes.length === ED25519_BYTES && sodium.crypto_core_ed25519_is_valid_point(Buffer.from(bytes));
  return isUsable
    ? ok({ algorithm, bytes: Uint8Array.from(bytes) })
    : reject('malformed', `not a usable ${algorithm} public key`);
}

/** As `decodeCoseKey` of src, with the same result for every input. */
export function decodeCoseKeyNatively(bytes: Uint8Array): Parsed<PublicKey> {
  return decodeCoseKey(bytes, parsePublicKeyNatively);
}
