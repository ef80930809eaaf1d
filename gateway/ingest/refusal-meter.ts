/** Counts how many statements of one connection were refused lately: a device that errs is answered, one that floods is closed. */
import type { Clock } from '../ports.ts';

const WINDOW_MS = 60_000;
/** Far above what a device with a stale key sends, far below what costs others anything. No basis yet but that. */
const REFUSALS_MAX = 120;

export class RefusalMeter {
  readonly #clock: Clock;
  #since: number;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Notes one refusal. True once there were too many within a minute. */
  note(): boolean {
    const now = this.#clock.now();
    if (now - this.#since >= WINDOW_MS || now < this.#since) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > REFUSALS_MAX;
  }
}
