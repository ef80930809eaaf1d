import { describe, expect, test } from 'vitest';
import type { AnchorRecord } from '../ports.ts';
import { SetClock } from '../testing/clock.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { BalanceWatch, estimateFunds } from './balance.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const GWEI = 1_000_000_000n;

/** Attempts, newest first, a minute apart unless their times are given. */
function attempts(gas: readonly (bigint | undefined)[], times?: readonly number[]): AnchorRecord[] {
  return gas.map((gasUsed, at) => {
    const submittedAt = times?.[at] ?? DAY_MS - at * MINUTE_MS;
    return { submittedAt, ...(gasUsed === undefined ? {} : { gasUsed }) } as AnchorRecord;
  });
}

describe('estimateFunds', () => {
  test('counts by the median of the last anchors, attempts in no block apart', () => {
    const recent = attempts([70_000n, undefined, 1_000_000n, 80_000n]);
    expect(estimateFunds(800_000n * GWEI, GWEI, 0n, recent, MINUTE_MS).anchorsLeft).toBe(10);
  });

  test('before the first anchor counts by what one takes at most in a long log', () => {
    const anchorCost = 85_000n * GWEI;
    const funds = estimateFunds(10n * anchorCost, GWEI, 0n, [], DAY_MS);
    expect(funds).toEqual({ anchorsLeft: 10, anchorCost, daysLeft: 10 });
  });

  test('adds what the chain takes for data', () => {
    const funds = estimateFunds(1_000n, 2n, 60n, attempts([70n]), DAY_MS);
    expect(funds).toEqual({ anchorsLeft: 5, anchorCost: 200n, daysLeft: 5 });
    expect(estimateFunds(1_000n, 0n, 500n, attempts([70n]), DAY_MS).anchorsLeft).toBe(2);
  });

  test('an empty account lasts for nothing, a free chain for ever', () => {
    expect(estimateFunds(0n, GWEI, 0n, [], DAY_MS)).toMatchObject({ anchorsLeft: 0, daysLeft: 0 });
    const forEver = Number.POSITIVE_INFINITY;
    expect(estimateFunds(0n, 0n, 0n, [], DAY_MS)).toMatchObject({ anchorsLeft: forEver, daysLeft: forEver });
  });

  test('the cadence is the configured one, or that of the last anchors where they came faster', () => {
    const days = (times: readonly number[]) =>
      estimateFunds(10n, 1n, 0n, attempts([1n, 1n, 1n], times), HOUR_MS).daysLeft;
    expect(days([2 * MINUTE_MS, MINUTE_MS, 0])).toBeCloseTo((10 * MINUTE_MS) / DAY_MS);
    expect(days([2 * DAY_MS, DAY_MS, 0])).toBeCloseTo((10 * HOUR_MS) / DAY_MS);
    expect(days([0, MINUTE_MS, 2 * MINUTE_MS])).toBeCloseTo((10 * HOUR_MS) / DAY_MS);
  });
});

describe('BalanceWatch', () => {
  const DAILY = 85_000n; // wei for a day of anchors: one, at a price of 1
  function watch(lowBalanceDays = 14, feeCeiling = GWEI) {
    const [clock, logger] = [new SetClock(), new MemoryLogger()];
    const store = { list: async () => [] };
    const chain = { sender: new Uint8Array(20).fill(0xab) };
    const options = { anchorEveryMs: DAY_MS, feeCeiling, lowBalanceDays };
    const watcher = new BalanceWatch({ chain, store, clock, logger }, options);
    const look = (days: bigint, gasPrice = 1n) =>
      watcher.look(days * DAILY, { type: 'legacy', gasPrice }, 0n).then(() => undefined);
    return { clock, logger, look };
  }

  test('warns after one, two, four ... hours, then daily', async () => {
    const { clock, logger, look } = watch();
    const hours: number[] = [];
    for (let hour = 0; hour <= 96; hour++) {
      const before = logger.lines.length;
      await look(13n);
      if (logger.lines.length > before) hours.push(hour);
      clock.advance(HOUR_MS);
    }
    expect(hours).toEqual([0, 1, 3, 7, 15, 31, 55, 79]);
    expect(logger.lines[0]).toEqual({
      level: 'warn',
      fields: { account: `0x${'ab'.repeat(20)}`, ether: 13 * 85_000e-18, anchorsLeft: 13, daysLeft: 13 },
      message: 'the account that pays for anchors will soon be empty: fund it',
    });
  });

  test('only money ends the warning, not a price that falls for a while', async () => {
    const { logger, look } = watch();
    for (const gasPrice of [2n, 1n, 2n, 1n]) await look(20n, gasPrice);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn']);
    await look(40n, 2n);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    await look(10n);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info', 'warn']);
  });

  test('is silent at 0 days, and where gas is free', async () => {
    for (const { logger, look } of [watch(0), watch(14, 0n)]) {
      await look(0n);
      expect(logger.lines).toEqual([]);
    }
  });
});
