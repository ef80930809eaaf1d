import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReceivedCounts } from './received-counts.ts';

test('whatever is rolled back, each count of a committed transaction is written once, and no other', () => {
  const device = fc.integer({ min: 1, max: 4 });
  const act = fc.oneof(
    fc.record({ do: fc.constant('add' as const), device, count: fc.integer({ min: -1, max: 3 }) }),
    fc.record({ do: fc.constant('take' as const), device }),
    fc.record({ do: fc.constant('some' as const), limit: fc.nat(3) }),
  );
  const transaction = fc.record({ acts: fc.array(act, { maxLength: 6 }), isCommitted: fc.boolean() });
  fc.assert(
    fc.property(fc.array(transaction, { maxLength: 30 }), (transactions) => {
      const counts = new ReceivedCounts();
      const [counted, written] = [new Map<number, number>(), new Map<number, number>()];
      const addTo = (to: Map<number, number>, key: number, n: number) => to.set(key, (to.get(key) ?? 0) + n);
      for (const { acts, isCommitted } of transactions) {
        const [added, wrote] = [new Map<number, number>(), new Map<number, number>()];
        for (const each of acts) {
          if (each.do === 'add') {
            counts.add(each.device, each.count);
            addTo(added, each.device, each.count);
          } else if (each.do === 'take') addTo(wrote, each.device, counts.take(each.device));
          else for (const [taken, count] of counts.takeSome(each.limit)) addTo(wrote, taken, count);
        }
        if (!isCommitted) {
          counts.rolledBack();
          continue;
        }
        counts.committed();
        for (const [key, n] of added) addTo(counted, key, n);
        for (const [key, n] of wrote) addTo(written, key, n);
      }
      for (const [key, count] of counts.takeSome(100)) addTo(written, key, count);
      for (let key = 1; key <= 4; key++) expect(written.get(key) ?? 0).toBe(counted.get(key) ?? 0);
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
