import { expect, test } from 'vitest';
import { type Reader, ReadGate } from './read-gate.ts';

/** An intake with room for so many reads, which a test gives back. */
class Room {
  left = 0;
  #resolve: (() => void) | undefined;
  #promise: Promise<void> | undefined;

  room(): Promise<void> | undefined {
    if (this.left > 0) return undefined;
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  async make(reads: number): Promise<void> {
    this.left = reads;
    this.#resolve?.();
    this.#promise = undefined;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A reader that wants so many reads, one after another. */
class Hungry implements Reader {
  readonly name: string;
  readonly #gate: ReadGate;
  readonly #room: Room;
  readonly #order: string[];
  wants: number;

  constructor(name: string, wants: number, bench: { gate: ReadGate; room: Room; order: string[] }) {
    this.name = name;
    this.wants = wants;
    this.#gate = bench.gate;
    this.#room = bench.room;
    this.#order = bench.order;
  }

  resume(): void {
    if (this.wants === 0 || !this.#gate.pass(this)) return;
    this.wants -= 1;
    this.#room.left -= 1;
    this.#order.push(this.name);
    queueMicrotask(() => this.resume());
  }
}

function bench() {
  const room = new Room();
  let pauses = 0;
  const gate = new ReadGate(room, () => {
    pauses += 1;
  });
  return { room, gate, order: [] as string[], pauses: () => pauses };
}

test('while there is room everyone is read at once', () => {
  const parts = bench();
  parts.room.left = 3;
  for (const name of ['a', 'b', 'c']) new Hungry(name, 1, parts).resume();
  expect(parts.order).toEqual(['a', 'b', 'c']);
  expect(parts.gate.waiting).toBe(0);
});

test('when there is none they wait, and come in turn: who wants more goes to the back', async () => {
  const parts = bench();
  const readers = ['greedy', 'b', 'c'].map((name) => new Hungry(name, name === 'greedy' ? 9 : 2, parts));
  for (const reader of readers) reader.resume();
  expect([parts.order, parts.gate.waiting, parts.pauses()]).toEqual([[], 3, 1]);
  for (let i = 0; i < 7; i++) await parts.room.make(1);
  expect(parts.order).toEqual(['greedy', 'b', 'c', 'greedy', 'b', 'c', 'greedy']);
});

test('who comes while others wait does not overtake them, though there be room', async () => {
  const parts = bench();
  const [first, second] = [new Hungry('first', 1, parts), new Hungry('second', 1, parts)];
  first.resume();
  parts.room.left = 1; // not announced yet
  second.resume();
  expect(parts.order).toEqual([]);
  await parts.room.make(2);
  expect(parts.order).toEqual(['first', 'second']);
});

test('nobody is forgotten: with room for all at once all are read', async () => {
  const parts = bench();
  const readers = Array.from({ length: 500 }, (_, at) => new Hungry(`${at}`, 3, parts));
  for (const reader of readers) reader.resume();
  await parts.room.make(10_000);
  for (let i = 0; i < 10 && parts.gate.waiting > 0; i++)
    await new Promise((resolve) => setImmediate(resolve));
  expect(readers.map(({ wants }) => wants)).toEqual(readers.map(() => 0));
});

test('who has gone is not waited for', async () => {
  const parts = bench();
  const [gone, stays] = [new Hungry('gone', 1, parts), new Hungry('stays', 1, parts)];
  gone.resume();
  stays.resume();
  parts.gate.leave(gone);
  await parts.room.make(1);
  expect(parts.order).toEqual(['stays']);
});

test('a promise that fails is room like any other', async () => {
  let reads = 0;
  let room: Promise<void> | undefined = Promise.reject(new Error('broken'));
  const gate = new ReadGate({ room: () => room });
  const reader: Reader = { resume: () => gate.pass(reader) && reads++ };
  reader.resume();
  room = undefined;
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads).toBe(1);
});
