/**
 * Encryption at rest. Every patient has a key of their own, kept wrapped under the gateway's master key; erasing a
 * patient is destroying that one key. AES-256-GCM with random 96-bit nonces (NIST SP 800-38D: good for 2^32
 * messages a key, a century of one reading a second).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

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
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(context);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or undefined when key, context or bytes are not those of `seal`. */
export function open(key: Uint8Array, sealed: Uint8Array, context: Uint8Array): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const head = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    return Uint8Array.from(Buffer.concat([head, decipher.final()]));
  } catch {
    return undefined; // the tag did not match: OpenSSL says no more than that
  }
}
