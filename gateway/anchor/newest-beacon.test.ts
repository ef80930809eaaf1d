import { expect, test } from 'vitest';
import type { AnchorRecord, AnchorTarget } from '../ports.ts';
import { NewestBeacon } from './newest-beacon.ts';

const TARGET: AnchorTarget = { chainId: 1n, contract: new Uint8Array(20), logId: new Uint8Array(32) };
const hashOf = (number: bigint): Uint8Array => new Uint8Array(32).fill(Number(number));
const block = (number: bigint) => ({ number, hash: hashOf(number), time: 0 });
const beacon = (number: bigint) => ({ blockNumber: number, blockHash: hashOf(number) });

/** Knows a final anchor in this block, of this target. */
function storeWith(number?: bigint, target = TARGET) {
  const record = number && ({ target, anchor: { ...target, ...beacon(number) } } as unknown as AnchorRecord);
  return { newest: async () => record || undefined };
}

test('there is none before a block is final', async () => {
  expect(await new NewestBeacon(storeWith(), TARGET).get()).toBeUndefined();
});

test('after a start it is the block of the newest final anchor', async () => {
  expect(await new NewestBeacon(storeWith(7n), TARGET).get()).toEqual(beacon(7n));
});

test('an anchor on another chain says nothing about this one', async () => {
  expect(await new NewestBeacon(storeWith(7n, { ...TARGET, chainId: 5n }), TARGET).get()).toBeUndefined();
});

test('it goes on with final blocks and never back, also not behind what an earlier run knew', async () => {
  const newest = new NewestBeacon(storeWith(7n), TARGET);
  for (const [number, known] of [
    [3n, 7n],
    [7n, 7n],
    [9n, 9n],
    [8n, 9n],
  ] as const) {
    expect(await newest.raiseTo(block(number))).toEqual(beacon(known));
    expect(await newest.get()).toEqual(beacon(known));
  }
});

test('a store that fails is read again', async () => {
  let isDown = true;
  const store = { newest: async () => (isDown ? Promise.reject(new Error('down')) : storeWith(7n).newest()) };
  const newest = new NewestBeacon(store, TARGET);
  await expect(newest.raiseTo(block(9n))).rejects.toThrow('down');
  isDown = false;
  expect(await newest.get()).toEqual(beacon(7n));
});

test('a block that comes while the store is read is kept', async () => {
  const { promise, resolve } = Promise.withResolvers<AnchorRecord | undefined>();
  const newest = new NewestBeacon({ newest: () => promise }, TARGET);
  const [first, raised] = [newest.get(), newest.raiseTo(block(9n))];
  resolve(await storeWith(7n).newest());
  await first;
  expect(await raised).toEqual(beacon(9n));
  expect(await newest.get()).toEqual(beacon(9n));
});
