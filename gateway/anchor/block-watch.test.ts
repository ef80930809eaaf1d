import { describe, expect, test } from 'vitest';
import { BlockWatch } from './block-watch.ts';
import type { Block } from './chain.ts';

const NOW = 1_767_323_045_000;
const HOUR_MS = 3_600_000;

/** A block of a chain that makes one every `seconds`, the newest of them now. */
const block = (number: number, seconds: number): Block => ({
  number: BigInt(number),
  hash: new Uint8Array(32).fill(number),
  time: NOW / 1000 + (number - 100) * seconds,
});

/** Looks at a chain whose block 100 is new now, and says since when it stands still for what was sent then. */
function stillAfter(ms: number, seconds: number, finalBlock = 90): number | undefined {
  const watch = new BlockWatch(HOUR_MS);
  watch.look({ newest: block(100, seconds), final: block(finalBlock, seconds) }, NOW);
  watch.look({ newest: block(100, seconds), final: block(finalBlock, seconds) }, NOW + ms);
  return watch.stillSince({ submittedAt: NOW }, NOW + ms);
}

describe('a chain stands still', () => {
  test.each([
    ['after a minute on a fast one', 60_000, 2, 90],
    ['after ten blocks that did not come on a slow one', 120_000, 12, 90],
    ['after the longest patience where blocks are rarer than that', HOUR_MS, 3_600, 90],
    ['after the longest patience where every block is final at once', HOUR_MS, 2, 100],
  ])('%s', (_name, ms, seconds, final) => {
    expect(stillAfter(ms - 1, seconds, final)).toBeUndefined();
    expect(stillAfter(ms, seconds, final)).toBe(NOW);
  });

  test('from the last block on, or from the transaction on when that came later', () => {
    const watch = new BlockWatch(HOUR_MS);
    const final = block(90, 2);
    watch.look({ newest: block(100, 2), final }, NOW);
    watch.look({ newest: block(101, 2), final }, NOW + 70_000);
    expect(watch.stillSince({ submittedAt: NOW }, NOW + 129_999)).toBeUndefined();
    expect(watch.stillSince({ submittedAt: NOW }, NOW + 130_000)).toBe(NOW + 70_000);
    expect(watch.stillSince({ submittedAt: NOW + 90_000 }, NOW + 140_000)).toBeUndefined();
  });

  test('also for a gateway that was started only now: the block tells its own age', () => {
    const watch = new BlockWatch(HOUR_MS);
    watch.look({ newest: block(100, 2), final: block(90, 2) }, NOW + 500_000);
    expect(watch.state()).toEqual({
      lookedAt: NOW + 500_000,
      newestBlockTime: NOW,
      newestBlockSeenAt: NOW,
    });
    expect(watch.stillSince({ submittedAt: NOW - 1_000 }, NOW + 500_000)).toBe(NOW);
  });

  test('a block of another branch at the same height is a new one', () => {
    const watch = new BlockWatch(HOUR_MS);
    const final = block(90, 2);
    watch.look({ newest: block(100, 2), final }, NOW);
    watch.look({ newest: { ...block(100, 2), hash: new Uint8Array(32) }, final }, NOW + 50_000);
    expect(watch.stillSince({ submittedAt: NOW }, NOW + 100_000)).toBeUndefined();
  });
});
