import { beforeEach, expect, test } from 'vitest';
import { BelievedTime } from './believed-time.ts';
import { SetClock, TEST_NOW_MS } from './testing/clock.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let clock: SetClock;
let elapsed: number;
let time: BelievedTime;

beforeEach(() => {
  clock = new SetClock();
  elapsed = 5;
  time = new BelievedTime(clock, () => elapsed);
});

/** Time passes, and is looked at on the way. Returns what is believed in the end, since the start of the test. */
function pass(ms: number): number {
  for (let left = ms; left > 0; left -= SECOND) {
    elapsed += SECOND;
    clock.advance(SECOND);
    time.now();
  }
  return time.now() - TEST_NOW_MS;
}

test('is the clock’s while that goes at the pace of time', () => {
  expect(time.now()).toBe(TEST_NOW_MS);
  expect(pass(3 * HOUR)).toBe(3 * HOUR);
});

test('follows a clock that is corrected by seconds', () => {
  pass(MINUTE);
  clock.advance(30 * SECOND);
  expect(time.now() - TEST_NOW_MS).toBe(MINUTE + 30 * SECOND);
  clock.advance(-50 * SECOND);
  expect(time.now() - TEST_NOW_MS).toBe(40 * SECOND);
});

test('does not follow a jump ahead that is taken back', () => {
  pass(MINUTE);
  clock.advance(25 * HOUR);
  expect(pass(5 * MINUTE)).toBe(6 * MINUTE);
  clock.advance(-25 * HOUR);
  expect(pass(MINUTE)).toBe(7 * MINUTE);
  clock.advance(25 * HOUR); // a second jump is doubted as long as the first
  expect(pass(9 * MINUTE)).toBe(16 * MINUTE);
});

test('follows a jump ahead that lasts', () => {
  clock.advance(25 * HOUR);
  expect(pass(9 * MINUTE)).toBe(9 * MINUTE);
  expect(pass(2 * MINUTE)).toBe(25 * HOUR + 11 * MINUTE);
  expect(pass(HOUR)).toBe(26 * HOUR + 11 * MINUTE);
});

test('follows a clock that is set back at once', () => {
  pass(MINUTE);
  clock.advance(-HOUR);
  expect(time.now() - TEST_NOW_MS).toBe(MINUTE - HOUR);
  expect(pass(MINUTE)).toBe(2 * MINUTE - HOUR);
});
