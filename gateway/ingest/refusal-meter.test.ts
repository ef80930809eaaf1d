import { expect, test } from 'vitest';
import { SetClock } from '../testing/clock.ts';
import { RefusalMeter } from './refusal-meter.ts';

test('a hundred and twenty refusals a minute are answered, one more is a flood; a minute later it is forgotten', () => {
  const clock = new SetClock();
  const meter = new RefusalMeter(clock);
  for (let count = 0; count < 120; count++) expect(meter.note()).toBe(false);
  expect(meter.note()).toBe(true);
  clock.advance(60_000);
  expect(meter.note()).toBe(false);
});
