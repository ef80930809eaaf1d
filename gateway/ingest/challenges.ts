/**
 * What a device without a clock puts into its token to show that it was made just now. A challenge is a time and a code over it that
 * only this process can make, so nothing is kept for those that were handed out, and nobody can fill the memory by asking.
 */
import { concatBytes, utf8ToBytes } from '../../src/bytes.ts';
import { equalSecrets, hmacSha256 } from '../crypto/hash.ts';
import { randomSecret } from '../crypto/random.ts';
import type { Clock } from '../ports.ts';

/** Time to sign and connect again: a secure element behind a slow radio needs seconds. */
export const CHALLENGE_VALID_MS = 120_000;
const TIME_BYTES = 8;

export class Challenges {
  readonly #secret = randomSecret();
  readonly #clock: Clock;

  /** @param clock must not go back. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A challenge for this device: 40 bytes. */
  make(device: string): Uint8Array {
    const time = new Uint8Array(TIME_BYTES);
    new DataView(time.buffer).setFloat64(0, this.#clock.now());
    return concatBytes(time, this.#codeOver(time, device));
  }

  /** Whether this process gave it to this device, and not long ago. */
  isFresh(device: string, challenge: Uint8Array): boolean {
    const time = Uint8Array.from(challenge.subarray(0, TIME_BYTES));
    if (time.length < TIME_BYTES) return false;
    if (!equalSecrets(challenge.subarray(TIME_BYTES), this.#codeOver(time, device))) return false;
    const age = this.#clock.now() - new DataView(time.buffer).getFloat64(0);
    return age >= 0 && age <= CHALLENGE_VALID_MS;
  }

  #codeOver(time: Uint8Array, device: string): Uint8Array {
    return hmacSha256(this.#secret, concatBytes(time, utf8ToBytes(device)));
  }
}
