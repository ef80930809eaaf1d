/** The log's Ed25519 signer on libsodium: the same signatures as noble's (RFC 8032 is deterministic), some forty times faster. */
import sodium from 'sodium-native';
import type { Signer } from '../../src/signature.ts';

const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const SECRET_KEY_BYTES = 64;
const SIGNATURE_BYTES = 64;

/** A signer over a 32-byte seed, which is copied. Throws RangeError when it is not 32 bytes. */
export function nativeSigner(seed: Uint8Array): Signer {
  if (seed.length !== SEED_BYTES) throw new RangeError(`seed: an Ed25519 seed has ${SEED_BYTES} bytes`);
  const publicKey = Buffer.alloc(PUBLIC_KEY_BYTES);
  const secretKey = Buffer.alloc(SECRET_KEY_BYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.from(seed));
  return {
    publicKey: { algorithm: 'Ed25519', bytes: Uint8Array.from(publicKey) },
    sign: (message) => {
      const signature = Buffer.alloc(SIGNATURE_BYTES);
      const input = Buffer.from(message.buffer, message.byteOffset, message.length);
      sodium.crypto_sign_detached(signature, input, secretKey);
      return Uint8Array.from(signature);
    },
  };
}
