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
    this.waiting.push(item);
    this.waiting.sort((a, b) => a.arrival - b.arrival);
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
  { weight: 6, arbitrary: fc.record({ what: fc.constant('push' as const), name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('take' as const),
      max: fc.nat(7),
      oneByOne: fc.subarray(NAMES),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('put-back' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('release' as const), name }) },
);

test('whatever is pushed, taken, put back, held and released comes out as the model says', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const queue = new FairQueue<Item>();
      const model = new Model();
      const out: Item[] = [];
      let arrivals = 0;
      for (const operation of operations) {
        if (operation.what === 'push') {
          const item = { name: operation.name, arrival: arrivals++ };
          queue.push(item.name, item);
          model.add(item);
        } else if (operation.what === 'take') {
          const isOneByOne = (line: string): boolean => operation.oneByOne.includes(line);
          const taken = queue.take(operation.max, isOneByOne);
          expect(taken).toEqual(model.take(operation.max, isOneByOne));
          out.push(...taken);
        } else if (operation.what === 'put-back') {
          const [item] = out.splice(operation.which, 1);
          if (item === undefined) continue;
          queue.putBack(item.name, item);
          model.add(item);
        } else {
          queue.release(operation.name);
          model.release(operation.name);
        }
        expect(queue.size).toBe(model.waiting.length);
      }
      for (const line of NAMES) {
        queue.release(line);
        model.release(line);
      }
      const rest = queue.take(1000, () => false);
      expect(rest).toEqual(model.take(1000, () => false));
      expect(queue.size).toBe(0);
    }),
    { numRuns: 500 },
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

  test('what is put back stands where it stood, in whichever order it comes back', () => {
    const queue = queueOf('a', 'a', 'a', 'a', 'a');
    const taken = queue.take(4, never);
    for (const at of [2, 0, 3, 1]) queue.putBack('a', taken[at] as Item);
    expect(show(queue.take(9, never))).toBe('a0 a1 a2 a3 a4');
  });
});
