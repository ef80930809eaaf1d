/**
 * What a library has to do to verify signatures for the gateway: give, for any bytes at all, the verdict of the
 * acceptance rule in docs/protocol.md. Three do: libsodium, OpenSSL, and the reference of `src` over noble.
 */
import type { Algorithm } from '../../src/cose/algorithm.ts';

/** A key made ready once and used for every statement of its device. */
export interface NativeKey {
  /**
   * Whether `signature` is valid for this key over `message`. False for bytes of any wrong length or form.
   *
   * @throws {TypeError} when an argument is not a Uint8Array.
   */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** One library. `A` is what it can do: asking another algorithm of it does not compile. */
export interface SignatureBackend<A extends Algorithm = Algorithm> {
  readonly name: 'libsodium' | 'openssl' | 'noble';
  readonly algorithms: readonly A[];
  /**
   * A key in the form of `PublicKey.bytes`. The bytes are copied. Bytes that are no such key give one under which nothing
   * is valid.
   *
   * @throws {TypeError} when `publicKey` is not a Uint8Array or `algorithm` is not one of `algorithms`.
   */
  prepare(algorithm: A, publicKey: Uint8Array): NativeKey;
  /** {@link prepare} and verify in one. */
  verify(algorithm: A, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Of every algorithm: R || S or r || s. */
export const SIGNATURE_BYTES = 64;

/** A key that is none: nothing is valid under it. */
export function noKey(): NativeKey {
  return {
    verify(message, signature) {
      requireBytes(message, signature);
      return false;
    },
  };
}

/** A backend from how it makes a key ready; the arguments have been checked for their types. */
export function makeBackend<A extends Algorithm>(
  name: SignatureBackend['name'],
  algorithms: readonly A[],
  prepareKey: (algorithm: A, publicKey: Uint8Array) => NativeKey,
): SignatureBackend<A> {
  const prepare = (algorithm: A, publicKey: Uint8Array): NativeKey => {
    if (!algorithms.includes(algorithm)) throw new TypeError(`algorithm: ${name} does ${algorithms.join()}`);
    if (!(publicKey instanceof Uint8Array)) throw new TypeError('publicKey: expected a Uint8Array');
    return prepareKey(algorithm, publicKey);
  };
  return {
    name,
    algorithms,
    prepare,
    verify: (algorithm, publicKey, message, signature) =>
      prepare(algorithm, publicKey).verify(message, signature),
  };
}

/** Refuses what is not bytes: that is a mistake of the caller, never the word of a device. */
export function requireBytes(message: unknown, signature: unknown): void {
  if (!(message instanceof Uint8Array)) throw new TypeError('message: expected a Uint8Array');
  if (!(signature instanceof Uint8Array)) throw new TypeError('signature: expected a Uint8Array');
}
