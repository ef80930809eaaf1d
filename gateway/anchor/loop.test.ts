import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Loop } from './loop.ts';

const WAIT_MS = 1_000;

let turns: (() => void)[];
let begun: number;
let loop: Loop;

beforeEach(() => {
  vi.useFakeTimers();
  turns = [];
  begun = 0;
  loop = new Loop(
    () => {
      begun += 1;
      return new Promise((resolve) => turns.push(resolve));
    },
    async () => WAIT_MS,
  );
});
afterEach(() => void vi.useRealTimers());

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function endTurn(): Promise<void> {
  turns.shift()?.();
  await pass(0);
}

test('nothing happens before the start, and the first turn comes at once', async () => {
  await pass(WAIT_MS * 3);
  loop.wake();
  await pass(WAIT_MS * 3);
  expect(begun).toBe(0);
  loop.start();
  await pass(0);
  expect(begun).toBe(1);
});

test('a turn follows the end of the one before, after the wait', async () => {
  loop.start();
  await pass(WAIT_MS * 5);
  expect(begun).toBe(1);
  await endTurn();
  await pass(WAIT_MS - 1);
  expect(begun).toBe(1);
  await pass(1);
  expect(begun).toBe(2);
});

test('who wakes it between two turns has the next one at once', async () => {
  loop.start();
  await pass(0);
  await endTurn();
  loop.wake();
  loop.wake();
  await pass(0);
  expect(begun).toBe(2);
  await endTurn();
  await pass(WAIT_MS - 1);
  expect(begun).toBe(2);
});

test('who wakes it during a turn, however often, has one more right after it', async () => {
  loop.start();
  await pass(0);
  for (let i = 0; i < 5; i++) {
    loop.wake();
    await pass(WAIT_MS);
  }
  expect(begun).toBe(1);
  await endTurn();
  expect(begun).toBe(2);
  await endTurn();
  await pass(WAIT_MS - 1);
  expect(begun).toBe(2);
});

test('a turn that is asked for does not overlap with the loop’s own', async () => {
  loop.start();
  await pass(0);
  const asked = loop.run();
  await pass(0);
  expect(begun).toBe(1);
  await endTurn();
  expect(begun).toBe(2);
  await endTurn();
  await asked;
});

test('close waits for the turn under way, and none comes after it', async () => {
  loop.start();
  await pass(0);
  let isClosed = false;
  const closed = loop.close().then(() => {
    isClosed = true;
  });
  await pass(WAIT_MS);
  expect(isClosed).toBe(false);
  await endTurn();
  await closed;
  loop.wake();
  await pass(WAIT_MS * 3);
  expect(begun).toBe(1);
});
