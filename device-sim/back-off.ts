/**
 * How long a device waits before it connects again: pauses that double while nothing comes of it, so that a gateway that is down
 * or refuses it is not stormed, each cut short by chance, so that a fleet that lost its gateway does not come back all at once.
 */
import type { Random } from './random.ts';

/** Half of it at least: time enough to make the password of the next connection. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export class BackOff {
  readonly #random: Random;
  #attempts = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The pause before one more attempt, milliseconds: between half and all of the longest for it. */
  next(): number {
    const longest = Math.min(FIRST_MS * 2 ** this.#attempts, LONGEST_MS);
    this.#attempts += 1;
    return Math.round(longest * (0.5 + this.#random.next() / 2));
  }

  /** Something came of a connection. */
  reset(): void {
    this.#attempts = 0;
  }
}
