import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReceivedCounts } from './received-counts.ts';

const DEVICE = fc.integer({ min: 1, max: 4 });
const ACT = fc.oneof(
  fc.record({ do: fc.constant('add' as const), device: DEVICE, count: fc.integer({ min: -1, max: 3 }) }),
  fc.record({ do: fc.constant('take' as const), device: DEVICE }),
  fc.record({ do: fc.constant('some' as const), limit: fc.nat(3) }),
);
const TRANSACTION = fc.record({ acts: fc.array(ACT, { maxLength: 6 }), isCommitted: fc.boolean() });
type Act = typeof ACT extends fc.Arbitrary<infer T> ? T : never;

/** By device: what was counted less what was written. */
type Balance = Map<number, number>;

function carryOut(act: Act, counts: ReceivedCounts, balance: Balance): void {
  const move = (device: number, by: number) => balance.set(device, (balance.get(device) ?? 0) + by);
  if (act.do === 'add') {
    counts.add(act.device, act.count);
    move(act.device, act.count);
  } else if (act.do === 'take') move(act.device, -counts.take(act.device));
  else for (const [device, count] of counts.takeSome(act.limit)) move(device, -count);
}

test('whatever is rolled back, each count of a committed transaction is written once, and no other', () => {
  fc.assert(
    fc.property(fc.array(TRANSACTION, { maxLength: 30 }), (transactions) => {
      const counts = new ReceivedCounts();
      let balance: Balance = new Map();
      for (const { acts, isCommitted } of transactions) {
        const after: Balance = new Map(balance);
        for (const act of acts) carryOut(act, counts, after);
        if (isCommitted) {
          counts.committed();
          balance = after;
        } else counts.rolledBack();
      }
      carryOut({ do: 'some', limit: 100 }, counts, balance);
      expect([...balance.values()].every((left) => left === 0)).toBe(true);
    }),
  );
});

test('nothing waits when everything was written', () => {
  const counts = new ReceivedCounts();
  counts.add(1, 2);
  counts.committed();
  expect(counts.size).toBe(1);
  expect(counts.takeSome(10)).toEqual([[1, 2]]);
  counts.rolledBack();
  expect(counts.takeSome(10)).toEqual([[1, 2]]);
  counts.committed();
  expect([counts.size, counts.takeSome(10)]).toEqual([0, []]);
});
