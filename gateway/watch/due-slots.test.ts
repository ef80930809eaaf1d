import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueSlots } from './due-slots.ts';

test('each thing is taken once, after its time and at most a slot later', () => {
  const step = fc.record({ pass: fc.nat(5_000), add: fc.array(fc.nat(20_000), { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 40 }), (start, steps) => {
      let now = start;
      const slots = new DueSlots<{ at: number }>(1_000, now);
      const waiting = new Set<{ at: number }>();
      for (const { pass, add } of steps) {
        now += pass;
        for (const thing of slots.take(now)) {
          expect(thing.at).toBeLessThan(now);
          expect(waiting.delete(thing)).toBe(true);
        }
        for (const { at } of waiting) expect(now - at).toBeLessThanOrEqual(1_000);
        for (const after of add) {
          const thing = { at: now + after };
          waiting.add(thing);
          slots.add(thing, thing.at);
        }
      }
    }),
  );
});

test('what is added for a time long past is taken with the next slot', () => {
  const slots = new DueSlots<string>(1_000, 500_000);
  slots.add('late', 3);
  expect(slots.take(500_999)).toEqual([]);
  expect(slots.take(501_000)).toEqual(['late']);
});
