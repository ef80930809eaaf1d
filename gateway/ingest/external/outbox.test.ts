import { expect, test } from 'vitest';
import type { BrokerConnection, OutboundMessage } from './broker-connection.ts';
import { Outbox } from './outbox.ts';

/** The part of a connection that an outbox sees: it takes what it is given, and answers when the test says. */
class Line {
  isReady = true;
  readonly sent: string[] = [];
  readonly #answers: ((isTaken: boolean) => void)[] = [];

  publish({ topic }: OutboundMessage): Promise<boolean> {
    this.sent.push(topic);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /** Answers the oldest, and lets the outbox go on. */
  async answer(isTaken = true): Promise<void> {
    this.#answers.shift()?.(isTaken);
    await new Promise((resolve) => setImmediate(resolve));
  }

  asConnection(): BrokerConnection {
    return this as unknown as BrokerConnection;
  }
}

const message = (topic: string, retain = false): OutboundMessage => ({
  topic,
  retain,
  payload: new Uint8Array(),
});

test('no more is under way than the broker takes, and never more than a hundred', async () => {
  for (const [window, expected] of [
    [3, 3],
    [65_535, 100],
  ] as const) {
    const outbox = new Outbox(() => undefined);
    const line = new Line();
    outbox.use(line.asConnection(), window);
    for (let at = 0; at < 200; at++) outbox.send(message(String(at)));
    expect(line.sent).toHaveLength(expected);
    await line.answer();
    expect(line.sent).toHaveLength(expected + 1);
    expect(line.sent).toEqual(line.sent.toSorted((a, b) => Number(a) - Number(b)));
  }
});

test('what a broken connection left unanswered goes first on the next', async () => {
  const outbox = new Outbox(() => undefined);
  const [first, second] = [new Line(), new Line()];
  outbox.use(first.asConnection(), 2);
  for (const topic of ['a', 'b', 'c']) outbox.send(message(topic));
  await first.answer();
  first.isReady = false;
  outbox.send(message('d'));
  expect(first.sent).toEqual(['a', 'b', 'c']);
  outbox.use(second.asConnection(), 10);
  expect(second.sent).toEqual(['b', 'c', 'd']);
  for (const _ of second.sent) await second.answer();
  const third = new Line();
  outbox.use(third.asConnection(), 10);
  expect(third.sent).toEqual([]);
});

test('what the broker refuses is told and not tried again', async () => {
  const refused: string[] = [];
  const outbox = new Outbox((topic) => refused.push(topic));
  const line = new Line();
  outbox.use(line.asConnection(), 1);
  outbox.send(message('a'));
  outbox.send(message('b'));
  await line.answer(false);
  await line.answer();
  expect([refused, line.sent]).toEqual([['a'], ['a', 'b']]);
});

test('of what stays on a topic only the newest is sent; of the rest, all', () => {
  const outbox = new Outbox(() => undefined);
  for (const [topic, retain] of [
    ['beacon', true],
    ['x', false],
    ['beacon', true],
    ['x', false],
  ] as const)
    outbox.send(message(topic, retain));
  const line = new Line();
  outbox.use(line.asConnection(), 10);
  expect(line.sent).toEqual(['x', 'beacon', 'x']);
});

test('a broker that is away makes nothing grow without bound; the oldest are dropped', () => {
  const outbox = new Outbox(() => undefined);
  for (let at = 0; at < 10_005; at++) outbox.send(message(String(at)));
  const line = new Line();
  outbox.use(line.asConnection(), 1);
  expect(line.sent).toEqual(['5']);
});
