/** So many requests a minute from one address. */
const WINDOW_MS = 60_000;
/** So that addresses made up by the thousand cannot fill the memory: then all start afresh. */
const MAX_ADDRESSES = 10_000;

export class RateLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  #startedAt: number;

  /** @param now milliseconds of a clock that does not go back */
  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Counts a request; false when it is one too many. */
  allow(address: string): boolean {
    const now = this.#now();
    if (now - this.#startedAt >= WINDOW_MS || this.#counts.size >= MAX_ADDRESSES) {
      this.#counts.clear();
      this.#startedAt = now;
    }
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    return count <= this.#perMinute;
  }
}
