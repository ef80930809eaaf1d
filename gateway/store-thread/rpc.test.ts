import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GATEWAY_ERROR_CODES, GatewayError } from '../errors.ts';
import { SetClock } from '../testing/clock.ts';
import { answerCall, Caller, type CallMessage, type ReplyMessage } from './rpc.ts';

/** What the far side offers. `this` counts: a method is called on its object. */
class Far {
  calls = 0;
  readonly open: (() => void)[] = [];

  async add(a: number, b: number): Promise<number> {
    this.calls += 1;
    return a + b;
  }

  async fill(bytes: Uint8Array): Promise<Uint8Array> {
    return bytes.fill(7);
  }

  /** Answers when `open` is called in whatever order. */
  later(word: string): Promise<string> {
    return new Promise((resolve) => this.open.push(() => resolve(word)));
  }

  fail(error: unknown): never {
    throw error;
  }

  async failLater(code: (typeof GATEWAY_ERROR_CODES)[number], fatal: boolean): Promise<void> {
    const details = { size: 5, path: 'x', ok: true };
    throw new GatewayError(code, `it is ${code}`, { fatal, details, cause: new Error('hidden') });
  }

  async uncloneable(): Promise<unknown> {
    return () => 1;
  }
}

let near: MessagePort;
let distant: MessagePort;
let far: Far;
let clock: SetClock;
let caller: Caller;
let heard: CallMessage[];
let remote: Far;

beforeEach(() => {
  const channel = new MessageChannel();
  [near, distant] = [channel.port1, channel.port2];
  far = new Far();
  clock = new SetClock();
  heard = [];
  caller = new Caller(near, clock);
  remote = caller.remote<Far>('far');
  near.on('message', (reply: ReplyMessage) => caller.onReply(reply));
  distant.on('message', (message: CallMessage) => {
    heard.push(message);
    void answerCall(distant, { far }, message);
  });
});

afterEach(() => {
  near.close();
  distant.close();
});

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => `resolved with ${value}`,
    (error: unknown) => error,
  );

test('a call carries arguments, the time and the result', async () => {
  clock.set(12_345);
  expect(await remote.add(2, 3)).toBe(5);
  clock.advance(1);
  await remote.add(2, 3);
  expect(heard.map(({ now }) => now)).toEqual([12_345, 12_346]);
  expect(far.calls).toBe(2);
});

test('memory that is handed over is here no more; what is not, is copied', async () => {
  const [moved, copied] = [new Uint8Array(4), new Uint8Array(4)];
  expect(await caller.call('far', 'fill', [moved], [moved.buffer])).toEqual(new Uint8Array(4).fill(7));
  expect(moved.length).toBe(0);
  await remote.fill(copied);
  expect(copied).toEqual(new Uint8Array(4));
});

test('each answer goes to its own call, whatever their order', async () => {
  const words = ['a', 'b', 'c', 'd'];
  const answers = words.map((word) => remote.later(word));
  await remote.add(1, 1); // all four have arrived
  for (const at of [2, 0, 3, 1]) far.open[at]?.();
  expect(await Promise.all(answers)).toEqual(words);
});

test('the remote object can be awaited without being called', async () => {
  expect(await Promise.resolve(remote)).toBe(remote);
  expect(heard).toEqual([]);
});

describe('an error', () => {
  test.each(GATEWAY_ERROR_CODES)(
    '%s crosses with its code, whether it is fatal, and its details',
    async (code) => {
      for (const fatal of [true, false]) {
        const error = await failure(remote.failLater(code, fatal));
        expect(error).toBeInstanceOf(GatewayError);
        expect(error).toMatchObject({
          code,
          fatal,
          message: `it is ${code}`,
          details: { size: 5, path: 'x', ok: true },
        });
      }
    },
  );

  test('of another kind keeps its message and gets no code', async () => {
    const error = await failure(caller.call('far', 'fail', [new RangeError('out of range')]));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(GatewayError);
    expect((error as Error).message).toBe('out of range');
    expect(await failure(caller.call('far', 'fail', ['a word']))).toMatchObject({ message: 'a word' });
  });

  test('an object or a method that does not exist is named', async () => {
    expect(await failure(caller.call('nowhere', 'add', []))).toMatchObject({
      message: 'there is no object nowhere',
    });
    for (const method of ['subtract', 'calls'])
      expect(await failure(caller.call('far', method, []))).toMatchObject({
        message: `far has no method ${method}`,
      });
    expect(await remote.add(1, 2)).toBe(3);
  });

  test('what cannot cross fails its own call, in either direction, and no other', async () => {
    const open = remote.later('kept');
    const results = [caller.call('far', 'add', [() => 1, 2]), remote.uncloneable()].map(failure);
    for (const error of await Promise.all(results)) expect(String(error)).toMatch(/could not be cloned/);
    far.open[0]?.();
    expect(await open).toBe('kept');
  });
});

describe('a broken connection', () => {
  const broken = new GatewayError('store-unavailable', 'the thread has ended', { fatal: true });

  test('fails every open call and every later one', async () => {
    const open = [remote.later('a'), remote.later('b'), remote.add(1, 2)].map(failure);
    caller.break(broken);
    expect(await Promise.all(open)).toEqual([broken, broken, broken]);
    expect(await failure(remote.add(1, 2))).toBe(broken);
    expect(await failure(caller.call('nowhere', 'x', []))).toBe(broken);
  });

  test('is not mended by an answer that comes all the same', async () => {
    const open = failure(remote.add(1, 2));
    caller.break(broken);
    caller.onReply({ reply: 0, value: 3 });
    caller.onReply({ reply: 77, value: 3 });
    expect(await open).toBe(broken);
    expect(await failure(remote.add(1, 2))).toBe(broken);
  });
});
