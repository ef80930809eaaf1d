import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

interface Item {
  readonly name: string;
  readonly arrival: number;
}

/** The same rules in the plainest way: one list of all that waits, and the order of turns. */
class Model {
  readonly waiting: Item[] = [];
  /** Names with something to take, in the order of their turns. */
  turns: string[] = [];
  readonly held = new Set<string>();

  add(item: Item): void {
    const at = this.waiting.findLastIndex((other) => other.arrival < item.arrival);
    this.waiting.splice(at + 1, 0, item);
    if (!this.held.has(item.name) && !this.turns.includes(item.name)) this.turns.push(item.name);
  }

  take(max: number, isOneByOne: (name: string) => boolean): Item[] {
    const taken: Item[] = [];
    while (taken.length < max) {
      const name = this.turns.shift();
      if (name === undefined) break;
      const at = this.waiting.findIndex((item) => item.name === name);
      taken.push(...this.waiting.splice(at, 1));
      if (isOneByOne(name)) this.held.add(name);
      else if (this.waiting.some((item) => item.name === name)) this.turns.push(name);
    }
    return taken;
  }

  release(name: string): void {
    if (this.held.delete(name) && this.waiting.some((item) => item.name === name)) this.turns.push(name);
  }
}

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('push' as const), name, count: fc.constantFrom(1, 1, 2, 50) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('take' as const),
      max: fc.oneof(fc.nat(7), fc.nat(70)),
      oneByOne: fc.subarray(NAMES),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('put-back' as const), which: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('release' as const), name }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The queue and the model, side by side. */
class Run {
  readonly queue = new FairQueue<Item>();
  readonly model = new Model();
  /** What was taken and may come back. */
  readonly #out: Item[] = [];
  #arrivals = 0;

  carryOut(operation: Operation): void {
    switch (operation.what) {
      case 'push':
        for (let pushed = 0; pushed < operation.count; pushed++) this.#push(operation.name);
        break;
      case 'take':
        this.take(operation.max, operation.oneByOne);
        break;
      case 'put-back':
        this.#putBack(operation.which);
        break;
      default:
        this.queue.release(operation.name);
        this.model.release(operation.name);
    }
    expect(this.queue.size).toBe(this.model.waiting.length);
  }

  take(max: number, oneByOne: readonly string[]): void {
    const isOneByOne = (line: string): boolean => oneByOne.includes(line);
    const taken = this.queue.take(max, isOneByOne);
    expect(taken).toEqual(this.model.take(max, isOneByOne));
    this.#out.push(...taken);
  }

  #push(line: string): void {
    const item = { name: line, arrival: this.#arrivals++ };
    this.queue.push(line, item);
    this.model.add(item);
  }

  #putBack(which: number): void {
    const [item] = this.#out.splice(which, 1);
    if (item === undefined) return;
    this.queue.putBack(item.name, item);
    this.model.add(item);
  }
}

test('whatever is pushed, taken, put back, held and released comes out as the model says', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const run = new Run();
      for (const one of operations) run.carryOut(one);
      for (const line of NAMES) run.carryOut({ what: 'release', name: line });
      run.take(10_000, []);
      expect(run.queue.size).toBe(0);
    }),
    { numRuns: 200 },
  );
});

describe('by example', () => {
  const queueOf = (...names: readonly string[]): FairQueue<Item> => {
    const queue = new FairQueue<Item>();
    for (const [arrival, line] of names.entries()) queue.push(line, { name: line, arrival });
    return queue;
  };
  const show = (items: readonly Item[]): string =>
    items.map((item) => `${item.name}${item.arrival}`).join(' ');
  const never = (): boolean => false;

  test('one that comes late waits for one item of each other line, however long that is', () => {
    const queue = queueOf(...Array.from({ length: 1000 }, () => 'flood'));
    queue.take(64, never);
    queue.push('late', { name: 'late', arrival: 1000 });
    expect(show(queue.take(3, never))).toBe('flood64 late1000 flood65');
  });

  test('a round that is cut off goes on where it stopped', () => {
    const queue = queueOf('a', 'b', 'c', 'a', 'b', 'c');
    expect(show(queue.take(2, never))).toBe('a0 b1');
    expect(show(queue.take(2, never))).toBe('c2 a3');
    expect(show(queue.take(9, never))).toBe('b4 c5');
  });

  test('a line held after one item is passed over, takes more in, and goes on in order when it is released', () => {
    const queue = queueOf('a', 'a', 'b');
    expect(show(queue.take(9, (line) => line === 'a'))).toBe('a0 b2');
    queue.push('a', { name: 'a', arrival: 3 });
    expect(show(queue.take(9, never))).toBe('');
    expect(queue.size).toBe(2);
    queue.release('a');
    queue.release('a');
    expect(show(queue.take(9, never))).toBe('a1 a3');
  });

  test('taking costs the same in a line forty times as long', () => {
    const each = (length: number): number => {
      const queue = queueOf(...Array.from({ length }, () => 'a'));
      const started = performance.now();
      for (let taken = 0; taken < 1000; taken += 50) queue.take(50, never);
      return performance.now() - started;
    };
    each(40_000);
    // The best of several, because the machine has other things to do. With an array that moves up it is a hundred times as long.
    const [short, long] = [1000, 40_000].map((length) =>
      Math.min(...Array.from({ length: 7 }, () => each(length))),
    );
    expect(long).toBeLessThan(10 * (short ?? 0));
  });

  test('what is put back stands where it stood, in whichever order it comes back', () => {
    const queue = queueOf('a', 'a', 'a', 'a', 'a');
    const taken = queue.take(4, never);
    for (const at of [2, 0, 3, 1]) queue.putBack('a', taken[at] as Item);
    expect(show(queue.take(9, never))).toBe('a0 a1 a2 a3 a4');
  });
});
