/**
 * Encryption at rest. Every patient has a key of their own, kept wrapped under the gateway's master key; erasing a
 * patient is destroying that one key. XChaCha20-Poly1305 with random 192-bit nonces (draft-irtf-cfrg-xchacha): a nonce never
 * comes twice, however many messages a key seals.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import sodium from 'sodium-native';
import { GatewayError } from '../errors.ts';

export const KEY_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
const NONCE_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;
/** Nonces fetched from the system at once: one call for each would cost more than the sealing. */
const NONCES_AT_ONCE = 512;

/** Seals and opens with keys that never leave it unwrapped, but for the caller's patient keys in memory. */
export class Vault {
  readonly #masterKey: Uint8Array;

  /** @param masterKey 32 bytes, copied. */
  constructor(masterKey: Uint8Array) {
    if (masterKey.length !== KEY_BYTES) throw new RangeError(`masterKey must be ${KEY_BYTES} bytes`);
    this.#masterKey = Uint8Array.from(masterKey);
  }

  /** A new data key and its wrapped form for the store. `owner` binds the wrapped form to its row. */
  createKey(owner: string): { key: Uint8Array; wrapped: Uint8Array } {
    const key = Uint8Array.from(randomBytes(KEY_BYTES));
    return { key, wrapped: seal(this.#masterKey, key, wrapLabel(owner)) };
  }

  /** The data key behind `wrapped`. Throws GatewayError key-unreadable when the master key is not the one that wrapped it. */
  unwrapKey(wrapped: Uint8Array, owner: string): Uint8Array {
    const key = open(this.#masterKey, wrapped, wrapLabel(owner));
    if (key === undefined) {
      throw new GatewayError(
        'key-unreadable',
        'the master key does not open this store; is it the key file the store was made with?',
        {
          fatal: true,
        },
      );
    }
    return key;
  }
}

function wrapLabel(owner: string): Uint8Array {
  return Buffer.from(`vitalseal data key ${owner}`);
}

/** nonce || ciphertext || tag. `context` must be the same when opening: it ties the bytes to their place. */
export function seal(key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(NONCE_BYTES + plaintext.length + TAG_BYTES);
  const nonce = sealed.subarray(0, NONCE_BYTES);
  takeNonce(nonce);
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
    sealed.subarray(NONCE_BYTES),
    plaintext,
    context,
    null,
    nonce,
    key,
  );
  return sealed;
}

/** The plaintext, or undefined when key, context or bytes are not those of `seal`. */
export function open(key: Uint8Array, sealed: Uint8Array, context: Uint8Array): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const plaintext = new Uint8Array(sealed.length - NONCE_BYTES - TAG_BYTES);
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext,
      null,
      sealed.subarray(NONCE_BYTES),
      context,
      sealed.subarray(0, NONCE_BYTES),
      key,
    );
    return plaintext;
  } catch {
    return undefined; // the tag did not match: libsodium says no more than that
  }
}

const nonces = Buffer.alloc(NONCE_BYTES * NONCES_AT_ONCE);
let nextNonce = nonces.length;

/** A fresh random nonce. */
function takeNonce(out: Buffer): void {
  if (nextNonce === nonces.length) {
    randomFillSync(nonces);
    nextNonce = 0;
  }
  nonces.copy(out, 0, nextNonce, nextNonce + NONCE_BYTES);
  nextNonce += NONCE_BYTES;
}
