/** Choices out of a seed, for generators of cases. */
import { type Random, seededRandom } from '../support/crash/random.ts';

export class Prng {
  readonly #random: Random;

  /** @param number tells the generators of one seed apart, so that one of them can be run again without those before it */
  constructor(seed: number, number = 0) {
    // Spread, because neighbouring states of the generator are neighbours for a few numbers.
    let mixed = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed >>> 0, 0xc2b2ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2f);
    this.#random = seededRandom(mixed ^ (mixed >>> 13));
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  uint32(): number {
    return this.below(2 ** 32);
  }

  byte(): number {
    return this.below(256);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.byte()));
  }
}
