/** Whether something is due, by a clock that may jump. */

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

/** Waits that double from `firstMs` to `longestMs` while something keeps failing. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;
  #failedAt = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  fail(now: number): void {
    this.#failures += 1;
    this.#failedAt = now;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds until the next try; 0 when nothing has failed or the wait is over. */
  remaining(now: number): number {
    if (this.#failures === 0) return 0;
    const wait = Math.min(this.#firstMs * 2 ** Math.min(this.#failures - 1, 30), this.#longestMs);
    return untilDue(this.#failedAt, wait, now);
  }
}
