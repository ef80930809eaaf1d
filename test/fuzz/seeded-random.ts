/** Random choices that a seed repeats: SplitMix64 (Steele, Lea, Flood 2014). For tests; nothing secret. */

const MASK = (1n << 64n) - 1n;

export class SeededRandom {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) & MASK;
  }

  /** 0 to `below` - 1. */
  int(below: number): number {
    return Number((this.#next() * BigInt(below)) >> 32n);
  }

  chance(oneIn: number): boolean {
    return this.int(oneIn) === 0;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('from: nothing to pick from');
    return from[this.int(from.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256));
  }

  /** 32 bits. */
  #next(): bigint {
    this.#state = (this.#state + 0x9e3779b97f4a7c15n) & MASK;
    let z = this.#state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return (z ^ (z >> 31n)) >> 32n;
  }
}
