/** Opens the seal of a delivery: HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { DELIVERY_INFO } from '../src/delivery.ts';

const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const ENC_BYTES = 32;

/** Opens what was sealed to one key. `undefined` when it was sealed to another, for another batch, or was changed. */
export type Opener = (sealed: Uint8Array, aad: Uint8Array) => Promise<Uint8Array | undefined>;

/**
 * Prepares a private key for opening.
 * @param privateKey X25519, 32 bytes
 * @throws RangeError when it is not one
 */
export async function createOpener(privateKey: Uint8Array): Promise<Opener> {
  if (privateKey.length !== 32) throw new RangeError('privateKey must be 32 bytes');
  const recipientKey = await SUITE.kem.deserializePrivateKey(privateKey.slice());
  return async (sealed, aad) => {
    // attacker-controlled
    if (sealed.length <= ENC_BYTES) return undefined;
    try {
      const enc = sealed.slice(0, ENC_BYTES);
      const opened = await SUITE.open(
        { recipientKey, enc, info: DELIVERY_INFO },
        sealed.slice(ENC_BYTES),
        aad,
      );
      return new Uint8Array(opened);
    } catch {
      // Every cause reads the same from outside: which check failed would be an oracle.
      return undefined;
    }
  };
}
