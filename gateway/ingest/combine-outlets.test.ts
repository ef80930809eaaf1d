import { expect, test } from 'vitest';
import { combineOutlets } from './combine-outlets.ts';

test('every outlet is told everything', () => {
  const told: unknown[] = [];
  const outlet = (name: string) => ({
    publishBeacon: (...args: unknown[]) => void told.push([name, 'beacon', ...args]),
    requestResend: (...args: unknown[]) => void told.push([name, 'resend', ...args]),
  });
  const all = combineOutlets([outlet('a'), outlet('b')]);
  const beacon = { blockNumber: 1n, blockHash: new Uint8Array(32) };
  all.publishBeacon(beacon, 5);
  all.requestResend('urn:dev:mac:01', [{ boot: 0, from: 1, to: 2 }]);
  expect(told).toEqual([
    ['a', 'beacon', beacon, 5],
    ['b', 'beacon', beacon, 5],
    ['a', 'resend', 'urn:dev:mac:01', [{ boot: 0, from: 1, to: 2 }]],
    ['b', 'resend', 'urn:dev:mac:01', [{ boot: 0, from: 1, to: 2 }]],
  ]);
});
