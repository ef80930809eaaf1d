import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Wearable } from '../../testing/wearable.ts';
import { DeviceOrder } from './device-order.ts';

const WAIT_MS = 200;
const DEVICE = 'urn:dev:mac:000000000001';
const wearable = new Wearable(1);
const statements: Uint8Array[] = [];
let order: DeviceOrder;
let started: number[];

beforeEach(async () => {
  vi.useFakeTimers();
  for (let seq = statements.length; seq < 12; seq++) statements.push(await wearable.sign({ seq }));
  order = new DeviceOrder();
  started = [];
});

afterEach(() => {
  order.close();
  vi.useRealTimers();
});

function enter(...seqs: readonly number[]): void {
  for (const seq of seqs)
    order.enter(DEVICE, statements[seq] as Uint8Array, () => {
      started.push(seq);
    });
}

test('a device that begins at 0 waits for nothing while it keeps its order', () => {
  enter(0, 1, 2);
  expect(started).toEqual([0, 1, 2]);
});

test('one that is ahead waits for those before it', () => {
  enter(0, 2, 3);
  expect(started).toEqual([0]);
  enter(1);
  expect(started).toEqual([0, 1, 2, 3]);
});

test('what never comes is waited for a moment, once', () => {
  enter(0, 2);
  vi.advanceTimersByTime(WAIT_MS - 1);
  expect(started).toEqual([0]);
  vi.advanceTimersByTime(1);
  expect(started).toEqual([0, 2]);
  enter(3, 1, 2);
  expect(started).toEqual([0, 2, 3, 1, 2]);
});

test('a second hole has a wait of its own', () => {
  enter(0, 2, 5);
  vi.advanceTimersByTime(WAIT_MS);
  expect(started).toEqual([0, 2]);
  vi.advanceTimersByTime(WAIT_MS);
  expect(started).toEqual([0, 2, 5]);
});

test('the first that is heard of a device may not be its oldest', () => {
  enter(8, 7);
  expect(started).toEqual([]);
  vi.advanceTimersByTime(WAIT_MS);
  expect(started).toEqual([7, 8]);
  enter(9);
  expect(started).toEqual([7, 8, 9]);
});

test('a second statement for a number that waits is not lost', () => {
  enter(0, 2, 2, 1);
  expect(started.toSorted()).toEqual([0, 1, 2, 2]);
});

test('what is no statement waits for nothing', () => {
  order.enter(DEVICE, Uint8Array.of(1), () => {
    started.push(-1);
  });
  expect(started).toEqual([-1]);
});

test('devices and boots do not wait for each other', async () => {
  enter(0, 2);
  order.enter(DEVICE, await wearable.sign({ seq: 0, boot: 1 }), () => {
    started.push(100);
  });
  order.enter('urn:dev:mac:000000000002', statements[0] as Uint8Array, () => {
    started.push(200);
  });
  expect(started).toEqual([0, 100, 200]);
});

test('however they come, each is started once, and in order where none is behind', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...statements.keys()], { minLength: 1 }), (seqs) => {
      order = new DeviceOrder();
      started = [];
      enter(...seqs);
      vi.advanceTimersByTime(WAIT_MS * statements.length);
      // All came within the wait, so none was too late for its place.
      expect(started).toEqual(seqs.toSorted((a, b) => a - b));
    }),
  );
});

test('nothing is started after the end', () => {
  enter(0, 2);
  order.close();
  vi.advanceTimersByTime(WAIT_MS * 2);
  expect(started).toEqual([0]);
});
