import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../errors.ts';
import { SetClock } from '../../testing/clock.ts';
import { MemoryLogger } from '../../testing/logger.ts';
import { NodeBusyError } from '../rpc.ts';
import { Member, type Party, reasonOf } from './member.ts';

const LATE_MS = 100;
const MINUTE_MS = 60_000;
const DOWN = new GatewayError('chain-unreachable', 'it is down; anchoring goes on when it answers');

let clock: SetClock;
let logger: MemoryLogger;
let member: Member<Party>;

beforeEach(() => {
  vi.useFakeTimers();
  clock = new SetClock();
  logger = new MemoryLogger();
  const node = { name: 'a', close: () => undefined };
  member = new Member<Party>(node, { clock, logger, lateMs: LATE_MS });
});
afterEach(() => void vi.useRealTimers());

const fail = (error: Error = DOWN): Promise<unknown> =>
  member
    .ask(
      () => Promise.reject(error),
      () => undefined,
    )
    .catch((reason: unknown) => reason);
const answer = (): Promise<number> =>
  member.ask(
    async () => 7,
    () => undefined,
  );
const said = (): string[] => logger.lines.map(({ level, message }) => `${level}: ${message}`);

describe('the standing of a node', () => {
  test('is ready at first, and after each answer', async () => {
    expect(member.standing).toBe('ready');
    await fail();
    expect(member.standing).toBe('resting');
    await answer();
    expect(member.standing).toBe('ready');
  });

  test('is resting after a failure, for longer each time, a minute at most', async () => {
    const rests: number[] = [];
    for (let i = 0; i < 9; i++) {
      expect(await fail()).toBe(DOWN);
      const since = clock.now();
      while (member.standing === 'resting') clock.advance(1_000);
      rests.push((clock.now() - since) / 1_000);
    }
    expect(rests).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('is resting while an answer is late, and who waits hears of it once', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const onLate = vi.fn();
    const asked = member.ask(() => promise, onLate);
    await vi.advanceTimersByTimeAsync(LATE_MS - 1);
    expect([member.standing, onLate.mock.calls.length]).toEqual(['ready', 0]);
    await vi.advanceTimersByTimeAsync(LATE_MS * 5);
    expect([member.standing, onLate.mock.calls.length]).toEqual(['resting', 1]);
    resolve(7);
    expect(await asked).toBe(7);
    expect(member.standing).toBe('ready');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is barred for as long as it asked, which may be less than its rest would be, but never less than a second', async () => {
    await fail(new NodeBusyError('a', 'eth_x', 0));
    expect(member.standing).toBe('barred');
    clock.advance(999);
    expect(member.standing).toBe('barred');
    clock.advance(1);
    expect(member.standing).toBe('ready');
  });

  test('is barred no less than the rest that it has earned', async () => {
    for (let i = 0; i < 10; i++) {
      await fail(new NodeBusyError('a', 'eth_x', undefined));
      clock.advance(MINUTE_MS);
    }
    await fail(new NodeBusyError('a', 'eth_x', 1));
    clock.advance(MINUTE_MS - 1);
    expect(member.bar).toBe('the node at a wants to be left alone for another 1 s');
    expect(member.standing).toBe('barred');
    clock.advance(1);
    expect(member.standing).toBe('ready');
  });

  test('does not outlast a clock that is set back', async () => {
    await fail(new NodeBusyError('a', 'eth_x', 60 * MINUTE_MS));
    clock.advance(-1);
    expect(member.standing).toBe('ready');
  });
});

describe('what is told of a node', () => {
  test('an outage once, and its end once', async () => {
    await fail();
    await fail();
    await answer();
    await answer();
    expect(said()).toEqual([
      'warn: a node of the chain does not answer: the others are asked without it',
      'debug: a node of the chain does not answer: the others are asked without it',
      'info: a node of the chain answers again',
    ]);
    expect(member.status()).toMatchObject({ state: 'ok', failures: 2, lastError: { message: 'it is down' } });
  });

  test('an answer to what was asked before the failure does not end it', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const before = member.ask(
      () => promise,
      () => undefined,
    );
    await fail();
    resolve(7);
    await before;
    expect(member.status().state).toBe('failing');
  });

  test('each thing that it says otherwise about, until it agrees on it', () => {
    member.disagreed('the head', false);
    member.disagreed('the chain', false);
    expect(member.status()).toMatchObject({ state: 'disagrees', disagreements: 2 });
    member.agreed('the head');
    expect(member.status().state).toBe('disagrees');
    member.agreed('the chain');
    member.agreed('the chain');
    expect(member.status()).toMatchObject({ state: 'ok', disagreements: 2 });
    expect(said().filter((line) => line.startsWith('info'))).toHaveLength(2);
  });

  test('nothing of what fails because it was closed', async () => {
    member.close();
    await fail();
    expect([said(), member.status().failures]).toEqual([[], 0]);
  });
});

test.each<[unknown, string]>([
  [DOWN, 'it is down'],
  [new Error('a; anchoring goes on'), 'a; anchoring goes on'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('the reason of %s is %s', (error, reason) => {
  expect(reasonOf(error)).toBe(reason);
});
