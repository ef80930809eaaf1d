/** The pause before another attempt: doubles with each failure up to a bound, and starts over after a success. */
export class BackOff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** Notes a failure; how many milliseconds to wait after it. */
  next(): number {
    const pause = Math.min(this.#firstMs * 2 ** this.#failures, this.#longestMs);
    this.#failures += 1;
    return pause;
  }

  reset(): void {
    this.#failures = 0;
  }
}
