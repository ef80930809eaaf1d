/** How far devices have come, as far as this gateway has seen since its start: what their next statements are checked against. */
import type { Head } from '../checked-batch.ts';

/** Devices remembered. No basis yet but size, about 200 bytes each. */
const CAPACITY = 100_000;

export class KnownHeads {
  readonly #heads = new Map<string, Head>();

  has(device: string): boolean {
    return this.#heads.has(device);
  }

  get(device: string): Head | undefined {
    return this.#heads.get(device);
  }

  /** The device first learnt of gives way when there are too many. */
  learn(device: string, head: Head): void {
    if (this.#heads.size >= CAPACITY && !this.#heads.has(device))
      this.#heads.delete(this.#heads.keys().next().value as string);
    this.#heads.set(device, head);
  }
}
