/** Statements of one device that are in flight together, and changes of the device between their check and their commit. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyId } from '../../src/cose/key.ts';
import { LogBench } from '../testing/log-bench.ts';
import { heartRate, Wearable } from '../testing/wearable.ts';
import { codeOf } from './testing/verdicts.ts';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

const logSize = () => bench.count('entries', "kind = 'statement'");

describe('in flight together', () => {
  let wearable: Wearable;

  beforeEach(async () => {
    wearable = new Wearable(1);
    await bench.enrol(wearable);
  });

  test('the same statement many times over is accepted once', async () => {
    const bytes = await wearable.next();
    const verdicts = await Promise.all(Array.from({ length: 40 }, () => bench.submit(wearable, bytes)));
    expect(verdicts.filter((verdict) => verdict.kind === 'accept')).toHaveLength(1);
    expect(verdicts.filter((verdict) => codeOf(verdict) === 'duplicate')).toHaveLength(39);
    expect(logSize()).toBe(1);
  });

  test('two different statements under one number: one reading, one equivocation', async () => {
    const both = await Promise.all([wearable.sign(), wearable.sign({ payload: heartRate(61) })]);
    const verdicts = await Promise.all(both.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map(codeOf).sort()).toEqual(['accept', 'equivocation']);
    expect(logSize()).toBe(1);
  });

  test('one clone after another in one commit: the first is the equivocation, the rest come from a suspended device', async () => {
    const all = await Promise.all(
      [60, 61, 62, 63].map((rate) => wearable.sign({ payload: heartRate(rate) })),
    );
    const verdicts = await Promise.all(all.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map(codeOf)).toEqual(['accept', 'equivocation', 'suspended-device', 'suspended-device']);
    await bench.log.deviceEvents.process();
    expect(bench.count('entries', "kind = 'device-event'")).toBe(2);
  });

  const change = {
    'revoked-device': () => bench.log.registry.setStatus(idOf(), 'revoked', bench.clock.now()),
    'suspended-device': () => bench.log.registry.setStatus(idOf(), 'suspended', bench.clock.now()),
    'retired-key': () =>
      bench.log.registry.keys.retire(idOf(), keyId(wearable.signer.publicKey), bench.clock.now()),
  };
  const idOf = () => bench.log.registry.device(wearable.urn)?.id ?? -1;

  test.each(Object.entries(change))(
    '%s: what was checked before the change and commits after it is refused',
    async (code, apply) => {
      const [held, fresh] = [await wearable.next(), await wearable.next()];
      await bench.submit(wearable, held);
      const clone = await wearable.sign({ payload: heartRate(61) });
      const changed = bench.log.committer.run(apply);
      // Checked now, against what is committed; committed in the same transaction as the change, after it.
      const verdicts = [held, fresh, clone].map((bytes) => bench.submit(wearable, bytes));
      await changed;
      expect((await Promise.all(verdicts)).map(codeOf)).toEqual(['duplicate', code, code]);
      expect(logSize()).toBe(1);
      expect(bench.log.quarantine.list(5).map((row) => row.code)).toEqual([code, code]);
    },
  );

  test('a hundred of one device, sent at once, are one commit in the order they came', async () => {
    await bench.submit(wearable, await wearable.next()); // from now on it is known how far the device has come
    const statements = await wearable.skip(100);
    bench.commits.length = 0;
    const verdicts = await Promise.all(statements.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map((verdict) => verdict.kind === 'accept' && verdict.seq)).toEqual(
      statements.map((_, at) => at + 1),
    );
    expect(verdicts.every((verdict) => verdict.kind === 'accept' && verdict.flags.length === 0)).toBe(true);
    expect(bench.commits).toEqual([100]);
  });
});
