/** A queue of many lines, each with a name, served in turn: whoever sends much waits behind itself, not before others. */
export class FairQueue<T extends { readonly arrival: number }> {
  /** Lines in the order of their turns; none is empty. */
  readonly #lines = new Map<string, Line<T>>();
  /** Lines that wait for `release`; they may be empty. */
  readonly #held = new Map<string, Line<T>>();
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
    this.#lineOf(name).putBack(item);
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

  #lineOf(name: string): Line<T> {
    let line = this.#held.get(name) ?? this.#lines.get(name);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(name, line);
    }
    return line;
  }
}

/** Places emptied at the front before the rest moves up. */
const MOVE_UP_AT = 64;

/** A list that is taken from at its front: an array would move up with every item, which takes longer the longer it is. */
class Line<T extends { readonly arrival: number }> {
  #items: (T | undefined)[] = [];
  #front = 0;

  get length(): number {
    return this.#items.length - this.#front;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#front];
    if (item === undefined) return undefined;
    this.#items[this.#front] = undefined; // its bytes are not kept in memory from here
    this.#front += 1;
    // Each item moves up once at most for every one taken.
    if (this.#front >= MOVE_UP_AT && this.#front >= this.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
  }

  /** Before everything that arrived later. */
  putBack(item: T): void {
    let at = this.#front;
    while (at < this.#items.length && (this.#items[at] as T).arrival < item.arrival) at += 1;
    if (at === this.#front && at > 0) {
      this.#front -= 1;
      this.#items[this.#front] = item;
    } else this.#items.splice(at, 0, item);
  }
}
