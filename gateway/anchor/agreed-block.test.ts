import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GatewayError } from '../errors.ts';
import { SetClock } from '../testing/clock.ts';
import { agreedBlock } from './agreed-block.ts';
import type { Block, NodeView } from './chain.ts';
import { Quorum } from './quorum/quorum.ts';

const LATE_MS = 100;
const TIMEOUT_MS = 1_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const blockOf = (number: bigint, of = 0): Block => ({
  number,
  hash: new Uint8Array(32).fill(Number(number) + of),
  time: 0,
});

interface Ways {
  /** It stands so high. */
  readonly newest: bigint;
  readonly afterMs?: number;
  /** What it has at a height; silence is an answer that never comes in time. */
  readonly at?: (height: bigint) => Block | undefined | 'silence';
}

function nodeOf(name: string, { newest, afterMs = 0, at = (height) => blockOf(height) }: Ways): NodeView {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const node: Pick<NodeView, 'name' | 'newestBlock' | 'blockAt' | 'close'> = {
    name,
    newestBlock: async () => {
      await wait(afterMs);
      return blockOf(newest);
    },
    blockAt: async (height) => {
      const block = height > newest ? undefined : at(height);
      await wait(block === 'silence' ? TIMEOUT_MS : afterMs);
      if (block !== 'silence') return block;
      throw new GatewayError('chain-unreachable', `${name} did not answer`);
    },
    close: () => undefined,
  };
  return node as NodeView;
}

async function agreed(...ways: readonly Ways[]): Promise<bigint | string> {
  const nodes = ways.map((way, at) => nodeOf('abcdefgh'[at] ?? '', way));
  const size = Math.floor(nodes.length / 2) + 1;
  const quorum = new Quorum(nodes, size, { clock: new SetClock(), lateMs: LATE_MS });
  const asked = agreedBlock(quorum, {
    about: 'the newest block',
    ask: (node) => node.newestBlock(),
    moving: true,
  }).then(
    ({ number }) => number,
    (error: unknown) => (error as Error).message,
  );
  await vi.advanceTimersByTimeAsync(60 * TIMEOUT_MS);
  return asked;
}

const silent = (): 'silence' => 'silence';
const SLOW_MS = LATE_MS * 3;

test.each<[string, readonly Ways[], bigint]>([
  ['one node', [{ newest: 7n }], 7n],
  ['all alike', [{ newest: 7n }, { newest: 7n }, { newest: 7n }], 7n],
  ['one behind', [{ newest: 7n }, { newest: 7n }, { newest: 4n }], 7n],
  ['each at another height', [{ newest: 9n }, { newest: 7n }, { newest: 4n }], 7n],
  ['a liar far ahead', [{ newest: 1_000n }, { newest: 7n }, { newest: 4n }], 7n],
  [
    'a liar far ahead that has nothing there',
    [{ newest: 1_000n, at: () => undefined }, { newest: 7n }, { newest: 4n }],
    4n,
  ],
  [
    'a liar far ahead that keeps silent',
    [{ newest: 1_000n, at: silent }, { newest: 7n }, { newest: 4n }],
    4n,
  ],
  [
    'the same, and an honest one that is slow',
    [{ newest: 1_000n, at: silent }, { newest: 7n }, { newest: 4n, afterMs: SLOW_MS }],
    4n,
  ],
  [
    'the same, with other blocks',
    [
      { newest: 1_000n, at: (height) => blockOf(height, 1) },
      { newest: 7n },
      { newest: 4n, afterMs: SLOW_MS },
    ],
    4n,
  ],
  [
    'all slow',
    [
      { newest: 7n, afterMs: SLOW_MS },
      { newest: 7n, afterMs: SLOW_MS },
      { newest: 4n, afterMs: SLOW_MS },
    ],
    7n,
  ],
])('%s', async (_what, ways, expected) => {
  expect(await agreed(...ways)).toBe(expected);
});

test('no two alike: who said what', async () => {
  const other = (height: bigint): Block => blockOf(height, 1);
  expect(await agreed({ newest: 7n }, { newest: 9n, at: other })).toMatch(
    /^no 2 of 2 nodes agree on the newest block, 2 answered: a said block 7 07070707; b said block 9 09090909;/,
  );
});
