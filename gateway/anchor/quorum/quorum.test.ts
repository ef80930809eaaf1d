import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../errors.ts';
import { SetClock } from '../../testing/clock.ts';
import { MemoryLogger } from '../../testing/logger.ts';
import { NodeBusyError } from '../rpc.ts';
import { isOther, type Question, Quorum } from './quorum.ts';
import { alike, alikeOrNothing, anyGood } from './votes.ts';

/** A node that answers when the test says so. */
class HandNode {
  readonly name: string;
  asked = 0;
  closed = false;
  #settle: ((answer: number | Error) => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  ask(): Promise<number> {
    this.asked += 1;
    return new Promise((resolve, reject) => {
      this.#settle.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }

  /** Answers everything it was asked so far, and lets everybody hear it. */
  async answer(answer: number | Error): Promise<void> {
    for (const settle of this.#settle.splice(0)) settle(answer);
    await vi.advanceTimersByTimeAsync(0);
  }

  close(): void {
    this.closed = true;
  }
}

const LATE_MS = 100;
const QUESTION: Question<HandNode, number> = {
  about: 'a number',
  ask: (node) => node.ask(),
  show: String,
  differs: isOther,
};
const DOWN = new GatewayError('chain-unreachable', 'it is down; anchoring goes on when it answers');

let clock: SetClock;
let logger: MemoryLogger;
beforeEach(() => {
  vi.useFakeTimers();
  clock = new SetClock();
  logger = new MemoryLogger();
});
afterEach(() => void vi.useRealTimers());

function quorumOf(count: number): { quorum: Quorum<HandNode>; nodes: readonly [HandNode, ...HandNode[]] } {
  const [first = new HandNode('a'), ...others] = [...'abcdefgh']
    .slice(0, count)
    .map((name) => new HandNode(name));
  const nodes = [first, ...others] as const;
  return { quorum: new Quorum(nodes, Math.floor(count / 2) + 1, { clock, logger, lateMs: LATE_MS }), nodes };
}

async function outcome(promise: Promise<number>): Promise<number | string> {
  return promise.catch((error: unknown) => (error as Error).message);
}

const ask = (quorum: Quorum<HandNode>): Promise<number | string> =>
  outcome(quorum.poll(QUESTION, alike(quorum.size)));

describe('a question', () => {
  test('is asked of all at once and answered as soon as a quorum agrees', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answer = ask(quorum);
    expect(nodes.map(({ asked }) => asked)).toEqual([1, 1, 1]);
    await nodes[0].answer(7);
    await nodes[2]?.answer(7);
    expect(await answer).toBe(7);
  });

  test('that nothing would be an answer to is asked all the same', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answer = quorum.poll<number | undefined, number | undefined>(QUESTION, alikeOrNothing(2, 0));
    for (const node of nodes) await node.answer(7);
    expect(await answer).toBe(7);
  });

  test('is not answered by a minority, however fast', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answer = ask(quorum);
    await nodes[0].answer(1);
    await nodes[1]?.answer(DOWN);
    await nodes[2]?.answer(2);
    expect(await answer).toBe(
      'no 2 of 3 nodes agree on a number, 2 answered: a said 1; c said 2; it is down; anchoring goes on when that is over, readings are taken meanwhile',
    );
  });

  test('of a single node fails as that node does', async () => {
    const { quorum, nodes } = quorumOf(1);
    const answer = quorum.poll(QUESTION, alike(1)).catch((error: unknown) => error);
    await nodes[0].answer(DOWN);
    expect(await answer).toBe(DOWN);
    expect(logger.lines).toEqual([]);
  });

  test.each([
    [3, 1],
    [2, 1],
    [1, 2],
    [0, 0],
  ])('to %i nodes of which %i must agree is a mistake of the caller', (count, size) => {
    const nodes = Array.from({ length: count }, (_, at) => new HandNode(String(at)));
    expect(() => new Quorum(nodes, size, { clock, lateMs: LATE_MS })).toThrow(RangeError);
  });

  test('two nodes of one name are a mistake of the caller', () => {
    const nodes = [new HandNode('a'), new HandNode('a')];
    expect(() => new Quorum(nodes, 2, { clock, lateMs: LATE_MS })).toThrow(RangeError);
  });
});

describe('what one node suffices for', () => {
  const askOne = (quorum: Quorum<HandNode>): Promise<number | string> => outcome(quorum.askOne(QUESTION));
  const asked = (nodes: readonly HandNode[]): number[] => nodes.map((node) => node.asked);

  test('is asked of the first alone, when that one answers', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answer = askOne(quorum);
    await vi.advanceTimersByTimeAsync(LATE_MS - 1);
    await nodes[0].answer(7);
    expect(await answer).toBe(7);
    await vi.advanceTimersByTimeAsync(LATE_MS);
    expect(asked(nodes)).toEqual([1, 0, 0]);
  });

  test('is asked of the next when one fails, and of none after that', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answer = askOne(quorum);
    await nodes[0].answer(DOWN);
    expect(asked(nodes)).toEqual([1, 1, 0]);
    await nodes[1]?.answer(7);
    expect(await answer).toBe(7);
    expect(asked(nodes)).toEqual([1, 1, 0]);
  });

  test('is asked of the next when one is late, and whichever then answers will do', async () => {
    for (const answers of [0, 1]) {
      const { quorum, nodes } = quorumOf(3);
      const answer = askOne(quorum);
      await vi.advanceTimersByTimeAsync(LATE_MS);
      expect(asked(nodes)).toEqual([1, 1, 0]);
      await nodes[answers]?.answer(7);
      expect(await answer).toBe(7);
    }
  });

  test('is asked last of who rests, and not at all of who asked not to be', async () => {
    const { quorum, nodes } = quorumOf(4);
    const before = ask(quorum);
    await nodes[0].answer(DOWN);
    await nodes[1]?.answer(new NodeBusyError('b', 'eth_x', 30_000));
    await nodes[2]?.answer(7);
    await nodes[3]?.answer(7);
    await before;
    const answer = askOne(quorum);
    expect(asked(nodes)).toEqual([1, 1, 2, 1]);
    await nodes[2]?.answer(DOWN);
    expect(asked(nodes)).toEqual([1, 1, 2, 2]);
    await nodes[3]?.answer(DOWN);
    expect(asked(nodes)).toEqual([2, 1, 2, 2]);
    await nodes[0].answer(7);
    expect(await answer).toBe(7);
  });

  test('and that none gives: who said what', async () => {
    const { quorum, nodes } = quorumOf(2);
    const answer = askOne(quorum);
    for (const node of nodes) await node.answer(DOWN);
    expect(await answer).toBe(
      'none of 2 nodes gave a number: it is down; it is down; anchoring goes on when that is over, readings are taken meanwhile',
    );
  });

  test('fails with a single node as that node does', async () => {
    const { quorum, nodes } = quorumOf(1);
    const answer = quorum.askOne(QUESTION).catch((error: unknown) => error);
    await nodes[0].answer(DOWN);
    expect(await answer).toBe(DOWN);
  });
});

describe('a node that fails', () => {
  test('rests, longer each time, and is asked again', async () => {
    const { quorum, nodes } = quorumOf(3);
    const [weak, ...well] = nodes;
    const asked: number[] = [];
    for (let second = 0; second <= 40; second++) {
      const before = weak.asked;
      const answer = ask(quorum);
      for (const node of well) await node.answer(7);
      expect(await answer).toBe(7);
      await weak.answer(DOWN);
      if (weak.asked > before) asked.push(second);
      clock.advance(1_000);
    }
    expect(asked).toEqual([0, 1, 3, 7, 15, 31]);
    expect(quorum.status()[0]).toMatchObject({
      state: 'failing',
      failures: 6,
      lastError: { message: 'it is down' },
    });
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('is asked all the same when the others do not suffice', async () => {
    const { quorum, nodes } = quorumOf(3);
    const first = ask(quorum);
    await nodes[0].answer(DOWN);
    await nodes[1]?.answer(7);
    await nodes[2]?.answer(7);
    expect(await first).toBe(7);
    const second = ask(quorum);
    await nodes[1]?.answer(7);
    await nodes[2]?.answer(8);
    await nodes[0].answer(8);
    expect(await second).toBe(8);
    expect(quorum.status()[0]?.state).toBe('ok');
  });

  test('while it owes an answer is not waited for again', async () => {
    const { quorum, nodes } = quorumOf(3);
    const send = () =>
      outcome(
        quorum.poll(
          QUESTION,
          anyGood(2, () => true, String),
        ),
      );
    const first = send();
    await nodes[1]?.answer(7);
    await nodes[2]?.answer(8);
    await vi.advanceTimersByTimeAsync(LATE_MS - 1);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toBe(7);
    const second = send();
    await nodes[1]?.answer(7);
    await nodes[2]?.answer(8);
    expect(await second).toBe(7);
    expect(nodes[0].asked).toBe(1);
  });

  test('several times at once has failed once', async () => {
    const { quorum, nodes } = quorumOf(3);
    const answers = [ask(quorum), ask(quorum), ask(quorum)];
    for (const node of nodes.slice(1)) await node.answer(7);
    expect(await Promise.all(answers)).toEqual([7, 7, 7]);
    await nodes[0].answer(DOWN);
    expect(quorum.status()[0]?.failures).toBe(1);
  });
});

describe('a node that asked to be left alone', () => {
  test.each([
    [30_000, 30_000],
    [undefined, 1_000],
    [10 ** 12, 3_600_000],
  ])('for %s ms is left alone for %i ms, even when the others do not suffice', async (wish, ms) => {
    const { quorum, nodes } = quorumOf(3);
    const first = ask(quorum);
    await nodes[0].answer(new NodeBusyError('a', 'eth_x', wish));
    for (const node of nodes.slice(1)) await node.answer(7);
    expect(await first).toBe(7);
    expect(quorum.status()[0]?.state).toBe('rate-limited');
    clock.advance(ms - 1);
    const second = ask(quorum);
    await nodes[1]?.answer(7);
    await nodes[2]?.answer(8);
    expect(await second).toContain('the node at a wants to be left alone for another 1 s');
    expect(nodes[0].asked).toBe(1);
    clock.advance(1);
    const third = ask(quorum);
    for (const node of nodes) await node.answer(7);
    expect(await third).toBe(7);
    expect(quorum.status()[0]?.state).toBe('ok');
  });
});

describe('a node that says otherwise', () => {
  async function round(quorum: Quorum<HandNode>, nodes: readonly HandNode[], said: number, moving = false) {
    const answer = outcome(quorum.poll({ ...QUESTION, moving }, alike(quorum.size)));
    for (const node of nodes.slice(1)) await node.answer(7);
    await nodes[0]?.answer(said);
    expect(await answer).toBe(7);
    return quorum.status()[0];
  }

  test('is told once, counted each time, though its answer comes after the decision', async () => {
    const { quorum, nodes } = quorumOf(3);
    expect(await round(quorum, nodes, 8)).toMatchObject({ state: 'disagrees', disagreements: 1 });
    const status = await round(quorum, nodes, 9);
    expect(status).toMatchObject({ disagreements: 2, lastDisagreement: { about: 'a number' } });
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'debug']);
    expect(logger.lines[0]?.fields).toEqual({ node: 'a', about: 'a number' });
    expect(await round(quorum, nodes, 7)).toMatchObject({ state: 'ok', disagreements: 2 });
  });

  test('of what changes with each block is believed to be honest twice in a row', async () => {
    const { quorum, nodes } = quorumOf(3);
    for (const said of [8, 8, 7, 8, 8])
      expect((await round(quorum, nodes, said, true))?.disagreements).toBe(0);
    expect((await round(quorum, nodes, 8, true))?.disagreements).toBe(1);
  });
});

test('close closes the nodes, and what fails by it is no failure of theirs', async () => {
  const { quorum, nodes } = quorumOf(3);
  const answer = ask(quorum);
  quorum.close();
  for (const node of nodes) await node.answer(DOWN);
  expect(await answer).toContain('it is down');
  expect(nodes.every(({ closed }) => closed)).toBe(true);
  expect(quorum.status().map(({ failures }) => failures)).toEqual([0, 0, 0]);
  expect(logger.lines).toEqual([]);
});
