/**
 * Choices that look random and come again with the same seed. For tests; nothing secret. The generator is Tommy Ettinger's
 * Mulberry32: 32 bits of state.
 */
export class SeededRandom {
  #state: number;

  /** @param number tells the generators of one seed apart, so that one of them can be run again without those before it */
  constructor(seed: number, number = 0) {
    // Spread, because neighbouring states of the generator are neighbours for a few numbers.
    let mixed = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed >>> 0, 0xc2b2ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2f);
    this.#state = (mixed ^ (mixed >>> 13)) >>> 0;
  }

  /** A whole number from 0 to `end` - 1; `end` is at most 2^32. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  /** A whole number with from <= n <= to. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  uint32(): number {
    return this.below(2 ** 32);
  }

  byte(): number {
    return this.below(256);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.byte());
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('list: nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  /** One of several, each as likely as its weight says. */
  pickWeighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.#next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    throw new RangeError('choices: nothing to pick from');
  }

  /** From 0 up to 1. */
  #next(): number {
    const state = (this.#state + 0x6d2b79f5) >>> 0;
    this.#state = state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
