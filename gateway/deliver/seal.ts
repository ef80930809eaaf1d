/** The seal around a delivery: HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { concatBytes } from '../../src/bytes.ts';
import { DELIVERY_INFO } from '../../src/delivery.ts';

const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/**
 * Seals `body` so that only the holder of the provider's private key can read it. Fresh randomness every time.
 * @param recipient the provider's X25519 public key, 32 bytes
 * @param aad what the ciphertext is bound to (`deliveryAad`)
 * @returns `enc` (32 bytes) followed by the ciphertext
 * @throws RangeError when `recipient` is not a usable key: a wrong length, or a point of small order
 */
export async function sealDelivery(
  body: Uint8Array,
  { recipient, aad }: { readonly recipient: Uint8Array; readonly aad: Uint8Array },
): Promise<Uint8Array> {
  const { enc, ct } = await seal(body, recipient, aad);
  return concatBytes(new Uint8Array(enc), new Uint8Array(ct));
}

/** Whether deliveries can be sealed to this key: what a configuration checks before it takes a provider. */
export async function isSealingKey(publicKey: Uint8Array): Promise<boolean> {
  return seal(new Uint8Array(), publicKey, new Uint8Array()).then(
    () => true,
    () => false,
  );
}

async function seal(body: Uint8Array, recipient: Uint8Array, aad: Uint8Array) {
  if (recipient.length !== 32) throw new RangeError('recipient must be 32 bytes');
  try {
    const recipientPublicKey = await SUITE.kem.deserializePublicKey(recipient.slice());
    return await SUITE.seal({ recipientPublicKey, info: DELIVERY_INFO }, body, aad);
  } catch (cause) {
    // With a fresh ephemeral key only the recipient's can be at fault: RFC 9180 section 7.1.4, all-zero shared secret.
    throw new RangeError('recipient is not a usable X25519 key', { cause });
  }
}
