import { beforeEach, describe, expect, test } from 'vitest';
import type { SequenceRange } from '../ports.ts';
import { ResendRequests } from './resend.ts';

const DEVICE = 'urn:dev:mac:000000000001';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let now: number;
let missing: SequenceRange[];
let asked: { device: string; ranges: readonly SequenceRange[]; at: number }[];
let requests: ResendRequests;

const gap = (from: number, boot = 0): SequenceRange => ({ boot, from, to: from });

beforeEach(() => {
  [now, missing, asked] = [5_000, [], []];
  requests = new ResendRequests({
    outlet: { requestResend: (device, ranges) => asked.push({ device, ranges, at: now }) },
    gaps: (_device, limit, behind) =>
      missing
        .filter(
          ({ boot, from }) =>
            behind === undefined || boot > behind.boot || (boot === behind.boot && from > behind.from),
        )
        .slice(0, limit),
    monotonic: () => now,
  });
});

/** The device sends every second for so long. */
function hear(ms: number): void {
  for (const end = now + ms; now < end; ) {
    now += 1_000;
    requests.onHeard(DEVICE);
  }
}

function open(from: number): void {
  missing.push(gap(from));
  requests.onGap(DEVICE, gap(from));
}

test('a gap is asked for at once, and by its range alone', () => {
  missing.push(gap(3));
  open(7);
  expect(asked).toEqual([{ device: DEVICE, ranges: [gap(7)], at: 5_000 }]);
});

test('who goes on sending is asked again at growing intervals, at last once a day', () => {
  open(3);
  hear(3 * DAY);
  const times = asked.map(({ at }) => (at - 5_000) / MINUTE);
  expect(times.slice(0, 6)).toEqual([0, 1, 3, 7, 15, 31]);
  const pauses = times.slice(1).map((time, at) => time - (times[at] as number));
  expect(Math.max(...pauses)).toBe(24 * 60);
  expect(asked.every(({ ranges }) => ranges.length === 1)).toBe(true);
});

test('who is not heard is not asked', () => {
  open(3);
  now += 10 * DAY;
  expect(asked).toHaveLength(1);
  requests.onHeard(DEVICE);
  expect(asked).toHaveLength(2);
});

test('what is filled is asked for no more, and the device is forgotten', () => {
  open(3);
  missing = [];
  hear(2 * MINUTE);
  expect([asked.length, requests.size]).toEqual([1, 0]);
  requests.onListening(DEVICE);
  hear(DAY);
  expect(asked).toHaveLength(1);
});

test('who comes to listen is asked for everything at once, however long the pause had become', () => {
  missing = [gap(3), gap(9, 2)];
  requests.remember(DEVICE);
  hear(DAY);
  const before = asked.length;
  requests.onListening(DEVICE);
  expect(asked).toHaveLength(before + 1);
  expect(asked.at(-1)?.ranges).toEqual(missing);
  hear(MINUTE);
  expect(asked).toHaveLength(before + 2);
});

test('at the start, who misses something is asked when it is first heard', () => {
  missing = [gap(3)];
  requests.remember(DEVICE);
  expect(asked).toEqual([]);
  requests.onHeard(DEVICE);
  expect(asked).toHaveLength(1);
});

test('gaps that cannot be filled do not hide those behind them', () => {
  missing = Array.from({ length: 250 }, (_, at) => gap(2 * at));
  requests.remember(DEVICE);
  hear(8 * MINUTE);
  const named = asked.map(({ ranges }) => [ranges[0]?.from, ranges.at(-1)?.from]);
  expect(named).toEqual([
    [0, 198],
    [200, 398],
    [400, 498],
    [0, 198],
  ]);
});

describe('a device that opens a gap with every statement', () => {
  test('is asked ten times at once, then has five seconds, then is asked for all of it together', () => {
    for (let at = 0; at < 100; at++) {
      now += 10;
      open(2 * at);
      requests.onHeard(DEVICE);
    }
    expect(asked).toHaveLength(10);
    hear(10_000);
    expect(asked).toHaveLength(11);
    expect(asked.at(-1)?.ranges).toEqual(missing);
  });

  test('is asked at once again after a rest', () => {
    for (let at = 0; at < 20; at++) open(2 * at);
    now += 5_000;
    open(999);
    expect(asked.at(-1)).toEqual({ device: DEVICE, ranges: [gap(999)], at: now });
  });
});

test('who is suspended is left alone, who is resumed is asked at once', () => {
  open(3);
  const held = missing;
  missing = []; // `gaps` tells none of a device that may not send
  requests.onDeviceChanged(DEVICE);
  hear(DAY);
  expect(asked).toHaveLength(1);
  missing = held;
  requests.onDeviceChanged(DEVICE);
  expect(asked).toHaveLength(2);
});

test('devices do not disturb each other, and a hundred thousand are remembered', () => {
  missing = [gap(1)];
  for (let at = 0; at < 100_500; at++) requests.remember(`urn:dev:mac:${at}`);
  expect(requests.size).toBe(100_000);
  requests.onHeard('urn:dev:mac:7'); // fell out: it is asked when it comes to listen
  expect(asked).toEqual([]);
  requests.onListening('urn:dev:mac:7');
  requests.onHeard('urn:dev:mac:100499');
  expect(asked.map(({ device }) => device)).toEqual(['urn:dev:mac:7', 'urn:dev:mac:100499']);
});
