/** A queue of many lines, each with a name, served in turn: whoever sends much waits behind itself, not before others. */
export class FairQueue<T extends { readonly arrival: number }> {
  /** Lines in the order of their turns; none is empty. */
  readonly #lines = new Map<string, T[]>();
  /** Lines that wait for `release`; they may be empty. */
  readonly #held = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Items of a line come in the order of their `arrival`. */
  push(name: string, item: T): void {
    this.#lineOf(name).push(item);
    this.#size += 1;
  }

  /** Puts an item back where it stood, whichever others of its line have come back before it. */
  putBack(name: string, item: T): void {
    const line = this.#lineOf(name);
    const at = line.findIndex(({ arrival }) => arrival > item.arrival);
    line.splice(at < 0 ? line.length : at, 0, item);
    this.#size += 1;
  }

  /**
   * Up to `max` items, one from each line in turn. A line of which `isOneByOne` says so is held after one item, until `release`.
   */
  take(max: number, isOneByOne: (name: string) => boolean): T[] {
    const taken: T[] = [];
    while (taken.length < max) {
      const next = this.#lines.entries().next();
      if (next.done === true) break;
      const [name, line] = next.value;
      this.#lines.delete(name);
      taken.push(line.shift() as T);
      if (isOneByOne(name)) this.#held.set(name, line);
      else if (line.length > 0) this.#lines.set(name, line); // to the end of the round
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Lets a held line take its turns again. */
  release(name: string): void {
    const line = this.#held.get(name);
    if (line === undefined) return;
    this.#held.delete(name);
    if (line.length > 0) this.#lines.set(name, line);
  }

  #lineOf(name: string): T[] {
    let line = this.#held.get(name) ?? this.#lines.get(name);
    if (line === undefined) {
      line = [];
      this.#lines.set(name, line);
    }
    return line;
  }
}
