/** Whether something is due, by a clock that may jump. */
import { BackOff } from '../back-off.ts';

/**
 * Whether `afterMs` have passed since `since`. A clock that stands before `since` was set back: due as well,
 * because the alternative is to wait for as long as it was wrong.
 */
export function isDue(since: number, afterMs: number, now: number): boolean {
  return now < since || now - since >= afterMs;
}

/** Milliseconds until `isDue` holds; 0 when it does. */
export function untilDue(since: number, afterMs: number, now: number): number {
  return isDue(since, afterMs, now) ? 0 : since + afterMs - now;
}

/** A back-off for who looks at the clock now and then, and sets no timer. */
export class ClockedBackOff {
  readonly #backOff: BackOff;
  #failedAt = 0;
  #pauseMs = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#backOff = new BackOff(firstMs, longestMs);
  }

  fail(now: number): void {
    this.#failedAt = now;
    this.#pauseMs = this.#backOff.next();
  }

  reset(): void {
    this.#pauseMs = 0;
    this.#backOff.reset();
  }

  /** Milliseconds until the next try; 0 when nothing has failed or the wait is over. */
  remaining(now: number): number {
    return untilDue(this.#failedAt, this.#pauseMs, now);
  }
}
