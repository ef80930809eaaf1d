import { expect, test } from 'vitest';
import { SetClock } from '../testing/clock.ts';
import { PenaltyBox } from './penalty-box.ts';

test('each abuse doubles the back-off, up to five minutes', () => {
  const box = new PenaltyBox(new SetClock());
  const backOffs = Array.from({ length: 12 }, () => box.strike('a'));
  expect(backOffs).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((s) => s * 1000));
});

test('a name is shut out until its time is over, to the millisecond, and no other name is', () => {
  const clock = new SetClock();
  const box = new PenaltyBox(clock);
  box.strike('a');
  expect([box.isShutOut('a'), box.isShutOut('b')]).toEqual([true, false]);
  clock.advance(999);
  expect(box.isShutOut('a')).toBe(true);
  clock.advance(1);
  expect(box.isShutOut('a')).toBe(false);
  expect(box.strike('a')).toBe(2000); // served, not forgotten
});

test('good behaviour is forgiven', () => {
  const box = new PenaltyBox(new SetClock());
  box.strike('a');
  box.strike('a');
  box.forgive('a');
  expect(box.isShutOut('a')).toBe(false);
  expect(box.strike('a')).toBe(1000);
});

test('names picked by an attacker do not grow without bound; the oldest are dropped first', () => {
  const box = new PenaltyBox(new SetClock());
  box.strike('first');
  for (let i = 0; i < 9_999; i++) box.strike(`n${i}`);
  expect(box.isShutOut('first')).toBe(true);
  box.strike('n0'); // renewed: no longer the oldest
  box.strike('one more');
  expect([box.isShutOut('first'), box.isShutOut('n0')]).toEqual([false, true]);
});
