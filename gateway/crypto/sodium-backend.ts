/**
 * Ed25519 on libsodium: less than half of what OpenSSL takes for it (bench/verify), and the acceptance rule as it stands.
 *
 * libsodium checks S < L, refuses a key that is not canonical, and a key or an R of small order, and compares R byte by byte. What
 * is left to check here are lengths, which it asserts. It did not always have that rule and need not keep it (some of its
 * sources multiply by the cofactor), so signature-self-test.ts asks before it is used.
 */
import {
  makeBackend,
  type NativeKey,
  noKey,
  requireBytes,
  SIGNATURE_BYTES,
  type SignatureBackend,
} from './signature-backend.ts';

const KEY_BYTES = 32;

type VerifyDetached = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** The backend, or the reason why this machine has none: sodium-native holds no code for every platform. */
export async function loadSodiumBackend(): Promise<SignatureBackend<'Ed25519'> | Error> {
  try {
    const { default: sodium } = await import('sodium-native');
    const verifyDetached = sodium.crypto_sign_verify_detached;
    return makeBackend('libsodium', ['Ed25519'], (_, publicKey) =>
      publicKey.length === KEY_BYTES ? new SodiumKey(verifyDetached, publicKey) : noKey(),
    );
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

class SodiumKey implements NativeKey {
  readonly #verifyDetached: VerifyDetached;
  readonly #key: Uint8Array;

  constructor(verifyDetached: VerifyDetached, publicKey: Uint8Array) {
    this.#verifyDetached = verifyDetached;
    this.#key = Uint8Array.from(publicKey);
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    requireBytes(message, signature);
    if (signature.length !== SIGNATURE_BYTES) return false;
    return this.#verifyDetached(signature, message, this.#key);
  }
}
