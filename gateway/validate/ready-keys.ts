/** Keys made ready for verification, kept for the next statement of their device. */
import type { PublicKey } from '../../src/cose/key.ts';
import { type NativeKey, prepareKey } from '../crypto/verifier.ts';
import type { PackedKey } from './packed-keys.ts';

export class ReadyKeys {
  readonly #capacity: number;
  readonly #keys = new Map<string, NativeKey>();

  /** @param capacity keys kept at most; the one made first goes first. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** By the whole key: two keys may share an identifier of eight bytes. */
  of({ algorithm, bytes }: Pick<PackedKey, 'algorithm' | 'bytes'>): NativeKey {
    const name = algorithm + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = prepareKey({ algorithm, bytes: Uint8Array.from(bytes) } as PublicKey);
    if (this.#keys.size >= this.#capacity) this.#keys.delete(this.#keys.keys().next().value as string);
    this.#keys.set(name, key);
    return key;
  }
}
