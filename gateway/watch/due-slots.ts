/** Things to look at when their time has come, by slots of time: adding one and taking one cost the same however many there are. */
export class DueSlots<T> {
  readonly #slotMs: number;
  readonly #slots = new Map<number, T[]>();
  /** The first slot that was not taken yet. */
  #next: number;

  /** @param now of the clock that `add` and `take` go by; it must not go back */
  constructor(slotMs: number, now: number) {
    this.#slotMs = slotMs;
    this.#next = Math.floor(now / slotMs) + 1;
  }

  /** To be taken once `at` has passed, at most a slot later. */
  add(thing: T, at: number): void {
    const slot = Math.max(Math.floor(at / this.#slotMs) + 1, this.#next);
    const things = this.#slots.get(slot);
    if (things === undefined) this.#slots.set(slot, [thing]);
    else things.push(thing);
  }

  /** Everything whose time has come. What is added meanwhile waits for the next call. */
  take(now: number): T[] {
    const last = Math.floor(now / this.#slotMs);
    const taken: T[] = [];
    for (; this.#next <= last; this.#next++) {
      const things = this.#slots.get(this.#next);
      if (things === undefined) continue;
      this.#slots.delete(this.#next);
      for (const thing of things) taken.push(thing);
    }
    return taken;
  }
}
