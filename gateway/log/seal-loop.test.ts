import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LogBench } from '../testing/log-bench.ts';
import { SealLoop } from './seal-loop.ts';

const EVERY_MS = 1000;
let bench: LogBench;
let loop: SealLoop;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  bench = new LogBench();
  loop = new SealLoop(bench.log.sealer, bench.logger, EVERY_MS);
});

afterEach(async () => {
  vi.useRealTimers();
  await bench.close();
});

test('seals at once, then once each cadence, until it is closed', async () => {
  loop.start();
  vi.advanceTimersByTime(3 * EVERY_MS - 1);
  await loop.close();
  expect(bench.count('checkpoints')).toBe(3);
  vi.advanceTimersByTime(10 * EVERY_MS);
  await bench.log.sealer.seal(undefined);
  expect(bench.count('checkpoints')).toBe(4);
});

test('a seal that fails is logged, and the next turn makes one', async () => {
  vi.spyOn(bench.log.sealer, 'seal').mockRejectedValueOnce(new Error('the disk is full'));
  loop.start();
  vi.advanceTimersByTime(EVERY_MS);
  await loop.close();
  expect(bench.count('checkpoints')).toBe(1);
  expect(bench.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', fields: { reason: 'Error: the disk is full' } }),
  );
});
