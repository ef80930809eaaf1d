import { describe, expect, test } from 'vitest';
import type { Block } from './chain.ts';
import { FeeLimit, type FeePolicy, lastAnchoredAt, readMarket, type TransactionRule } from './fee-policy.ts';
import type { FeeMarket } from './fees.ts';

const POLICY: FeePolicy = {
  transactions: 'auto',
  feeCeiling: 100n,
  preferred: { price: 20n, waitMs: 1_000 },
};
const market = (baseFee: bigint, suggestedTip: bigint): FeeMarket => ({
  type: 'eip1559',
  baseFee,
  suggestedTip,
});

describe('FeeLimit', () => {
  test('waits for the whole price, tip included: a shaved tip would only get stuck', () => {
    const choose = (baseFee: bigint) => new FeeLimit(market(baseFee, 5n), POLICY, 0, 999).choose();
    expect(choose(16n)).toEqual({ kind: 'too-expensive', needed: 21n });
    const offer = { type: 'eip1559', maxFeePerGas: 20n, maxPriorityFeePerGas: 5n };
    expect(choose(15n)).toEqual({ kind: 'ok', offer });
  });

  test('offers no more than the preferred price while it waits, replacements included', () => {
    const limit = new FeeLimit(market(9n, 1n), POLICY, 0, 999);
    expect(limit.waitsUntil).toBe(1_000);
    expect(limit.choose({ maxFeePerGas: 19n, maxPriorityFeePerGas: 1n }).kind).toBe('too-expensive');
  });

  test.each([
    ['at the deadline', 0, 1_000],
    ['under a clock that was set back', 5_000, 0],
    ['before the first anchor', undefined, 0],
  ])('pays up to the ceiling %s', (_name, anchoredAt, now) => {
    const limit = new FeeLimit(market(90n, 5n), POLICY, anchoredAt, now);
    expect(limit.waitsUntil).toBeUndefined();
    expect(limit.choose().kind).toBe('ok');
    expect(new FeeLimit(market(101n, 5n), POLICY, anchoredAt, now).choose().kind).toBe('too-expensive');
  });

  test('without a preferred price never waits', () => {
    const { preferred: _, ...plain } = POLICY;
    expect(new FeeLimit(market(90n, 5n), plain, 0, 1).waitsUntil).toBeUndefined();
  });
});

describe('readMarket', () => {
  const block = (baseFee?: bigint): Block =>
    ({ number: 1n, hash: new Uint8Array(32), time: 1, ...(baseFee !== undefined && { baseFee }) }) as const;
  const chain = { suggestedTip: async () => 3n, gasPrice: async () => 8n };

  test.each<[TransactionRule, bigint | undefined, FeeMarket]>([
    ['auto', 5n, market(5n, 3n)],
    ['auto', 0n, market(0n, 3n)],
    ['auto', undefined, { type: 'legacy', gasPrice: 8n }],
    ['legacy', 5n, { type: 'legacy', gasPrice: 8n }],
    ['legacy', 9n, { type: 'legacy', gasPrice: 9n }],
    ['eip1559', undefined, market(0n, 3n)],
  ])('%s over a base fee of %s', async (rule, baseFee, expected) => {
    expect(await readMarket(chain, rule, block(baseFee))).toEqual(expected);
  });
});

test('the wait counts from the newest anchor that is in a block', async () => {
  const at = (submittedAt: number) => ({ submittedAt }) as never;
  const from = (states: Readonly<Record<string, number>>) =>
    lastAnchoredAt({
      newest: async (state) => (states[state] === undefined ? undefined : at(states[state])),
    });
  expect(await from({ submitted: 9 })).toBeUndefined();
  expect(await from({ final: 5, submitted: 9 })).toBe(5);
  expect(await from({ final: 5, anchored: 7, submitted: 9 })).toBe(7);
});
