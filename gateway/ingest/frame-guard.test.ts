import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame } from '../testing/raw-mqtt.ts';
import { FrameBudget, FrameGuard } from './frame-guard.ts';

const guardOf = (limit: number) => new FrameGuard(limit, new FrameBudget(Number.MAX_SAFE_INTEGER));

/** Feeds a stream in pieces of the given sizes, the last one as often as it takes. */
function scanInPieces(limit: number, stream: Uint8Array, sizes: readonly number[]): boolean {
  const guard = guardOf(limit);
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[Math.min(turn, sizes.length - 1)] ?? 1;
    if (guard.scan(stream.subarray(at, at + size)) !== 'ok') return false;
    at += size;
  }
  return true;
}

test('the limit is for the body, to the byte', () => {
  const of = (length: number) => frame(0x30, new Uint8Array(length));
  for (const limit of [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_152]) {
    expect(guardOf(limit).scan(of(limit))).toBe('ok');
    expect(guardOf(limit).scan(of(limit + 1))).toBe('oversize');
  }
});

test('any stream gives the same answer however it is cut, and that is whether a packet is too long', () => {
  const limit = 200;
  const lengths = fc.array(fc.nat(260), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (all, cuts) => {
      // Bodies of 0xff: a guard that loses its place takes them for headers.
      const stream = Buffer.concat(all.map((length) => frame(0x30, new Uint8Array(length).fill(0xff))));
      const expected = all.every((length) => length <= limit);
      expect(scanInPieces(limit, stream, [stream.length])).toBe(expected);
      expect(scanInPieces(limit, stream, cuts)).toBe(expected);
    }),
  );
});

test('a length is refused as soon as it is too much, before its last byte', () => {
  const guard = guardOf(1000);
  expect(guard.scan(Uint8Array.of(0x30))).toBe('ok');
  expect(guard.scan(Uint8Array.of(0xff))).toBe('ok');
  expect(guard.scan(Uint8Array.of(0xff))).toBe('oversize');
});

test('a length written in more than four bytes is refused, small as it may be', () => {
  expect(guardOf(1000).scan(Uint8Array.of(0x30, 0x81, 0x80, 0x80, 0x00))).toBe('ok');
  expect(guardOf(1000).scan(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x00))).toBe('oversize');
});

test('long packets of all connections share one budget, given back when each is complete or its connection closed', () => {
  const budget = new FrameBudget(10_000);
  const header = (length: number) => frame(0x30, new Uint8Array(length)).subarray(0, 3);
  const [first, second, third] = [0, 1, 2].map(() => new FrameGuard(9_000, budget)) as [
    FrameGuard,
    FrameGuard,
    FrameGuard,
  ];
  expect(first.scan(header(6_000))).toBe('ok');
  expect(second.scan(header(5_000))).toBe('overloaded');
  expect(third.scan(frame(0x30, new Uint8Array(4_096)))).toBe('ok'); // short ones are not counted
  expect(first.scan(new Uint8Array(6_000))).toBe('ok'); // complete
  const fourth = new FrameGuard(9_000, budget);
  expect(fourth.scan(header(9_000))).toBe('ok');
  expect(new FrameGuard(9_000, budget).scan(header(5_000))).toBe('overloaded');
  fourth.release(); // closed
  expect(new FrameGuard(9_000, budget).scan(header(5_000))).toBe('ok');
});
