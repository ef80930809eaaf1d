/** The only node says what no node should: what is sealed goes on, nothing of it stays, and it passes. */
import { describe, expect, test } from 'vitest';
import { type Hand, honest, on } from '../../contracts/testing/node-proxy.ts';
import { encodeCbor } from '../../src/cbor.ts';
import { BLOCKS_TO_FINAL, said } from './testing/scene.ts';
import { type Town, towns } from './testing/town.ts';

const startTown = towns();

type Fields = Readonly<Record<string, unknown>>;

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const HUGE = hex(2n ** 200n);
const isNewest = (tag: unknown): boolean => tag === 'latest' || tag === 'finalized';

/** Changes what is said of the newest and the final block, the rest is true. */
const tips = (change: (block: Fields, tag: unknown) => Fields): Hand =>
  on('eth_getBlockByNumber', async ({ params: [tag] }, truth) => {
    const block = (await truth()) as Fields | null;
    return block && isNewest(tag) ? change(block, tag) : block;
  });
const receipts = (change: (receipt: Fields) => unknown): Hand =>
  on('eth_getTransactionReceipt', async (_call, truth) => {
    const receipt = (await truth()) as Fields | null;
    return receipt && change(receipt);
  });
const logsOf = (receipt: Fields): Fields[] => receipt['logs'] as Fields[];
const always = (method: string, answer: unknown): Hand => on(method, () => answer);

/** What gets no anchor to be known. */
const UNUSABLE: readonly (readonly [string, Hand])[] = [
  ['a newest and a final block of 2^200', tips((block) => ({ ...block, number: HUGE }))],
  ['blocks at the end of all dates', tips((block) => ({ ...block, timestamp: hex(2n ** 52n) }))],
  ['blocks whose hash is cut', tips((block) => ({ ...block, hash: '0xab' }))],
  ['a base fee of 10^30 wei', tips((block) => ({ ...block, baseFeePerGas: hex(10n ** 30n) }))],
  ['receipts in a block of 2^200', receipts((receipt) => ({ ...receipt, blockNumber: HUGE }))],
  ['receipts with 2^62 gas', receipts((receipt) => ({ ...receipt, gasUsed: hex(2n ** 62n) }))],
  [
    'receipts of another transaction',
    receipts((receipt) => ({ ...receipt, transactionHash: receipt['blockHash'] })),
  ],
  [
    'receipts with the logs of another contract',
    receipts((receipt) => ({
      ...receipt,
      logs: logsOf(receipt).map((log) => ({ ...log, address: `0x${'00'.repeat(20)}` })),
    })),
  ],
  ['receipts without logs', receipts((receipt) => ({ ...receipt, logs: [] }))],
  ['a nonce of 2^64', always('eth_getTransactionCount', hex(2n ** 64n))],
  ['the last nonce that fits', always('eth_getTransactionCount', hex(2n ** 53n - 1n))],
  ['a gas estimate of 2^200', always('eth_estimateGas', HUGE)],
  ['a tip that is no number', always('eth_maxPriorityFeePerGas', '0x')],
  ['a head that is cut', always('eth_call', '0xab')],
];

/** What changes nothing. */
const HARMLESS: readonly (readonly [string, Hand])[] = [
  [
    'every log twice',
    receipts((receipt) => ({ ...receipt, logs: logsOf(receipt).flatMap((log) => [log, log]) })),
  ],
  ['a balance of all there is', always('eth_getBalance', hex(2n ** 256n - 1n))],
  ['a tip of 10^30 wei', always('eth_maxPriorityFeePerGas', hex(10n ** 30n))],
  [
    'capitals and leading zeros',
    tips((block) => ({ ...block, number: `0X000${String(block['number']).slice(2).toUpperCase()}` })),
  ],
];

/** Each beacon fits into a heartbeat, and none is above the chain. */
async function expectBeaconsUsable(town: Town): Promise<void> {
  const height = BigInt(String(await town.scene.rpc('eth_blockNumber')));
  const sealed = town.scene.log.beacons.flatMap((beacon) =>
    beacon === undefined ? [] : [beacon.blockNumber],
  );
  for (const beacon of [...sealed, ...town.life.beacons]) {
    expect(() => encodeCbor(beacon)).not.toThrow();
    expect(beacon <= height).toBe(true);
  }
}

describe('the only node tells of', () => {
  test.each([...UNUSABLE, ...HARMLESS])('%s', async (name, hand) => {
    const town = await startTown([hand]);
    await town.goOn();
    expect(town.scene.log.checkpoints).toHaveLength(3);
    expect(town.life.fatals).toEqual([]);
    await expectBeaconsUsable(town);
    await town.expectNothingFalse();
    if (HARMLESS.some(([harmless]) => harmless === name)) await town.expectFinal();
    else expect((await town.life.anchorer.status()).final).toBe(0);

    for (const proxy of town.proxies) proxy.hand = honest;
    town.scene.clock.advance(3_600_000);
    await town.goOn();
    await town.expectFinal();
    await town.expectNothingFalse();
    expect((await town.life.anchorer.status()).gasUsed).toBeLessThan(10n ** 7n);
  });
});

test('a final block above the newest one is not believed, and devices hear beacons again when that is over', async () => {
  const ahead = (block: Fields, tag: unknown): Fields =>
    tag === 'finalized' ? { ...block, number: hex(BigInt(String(block['number'])) + 1_000_000n) } : block;
  const town = await startTown([tips(ahead)]);
  await town.goOn();
  await expectBeaconsUsable(town);
  for (const proxy of town.proxies) proxy.hand = honest;
  const told = town.life.beacons.length;
  await town.scene.mine(BLOCKS_TO_FINAL);
  await town.goOn();
  expect(town.life.beacons.length).toBeGreaterThan(told);
  await town.expectFinal();
});

test('finality that goes back takes nothing back', async () => {
  const town = await startTown([honest]);
  await town.goOn();
  const finals = (await town.scene.store.list(100)).filter(({ state }) => state === 'final');
  expect(finals).toHaveLength(3);
  const [proxy] = town.proxies;
  const told = town.life.beacons.length;
  if (proxy !== undefined)
    proxy.hand = on('eth_getBlockByNumber', ({ method, params: [tag] }, truth) =>
      truth({ method, params: [tag === 'finalized' ? '0x0' : tag, false] }),
    );
  await town.scene.nextCadence(town.life);
  await town.life.anchorer.tick();
  expect((await town.scene.store.list(100)).filter(({ state }) => state === 'final')).toEqual(finals);
  expect(town.life.beacons).toHaveLength(told);
  expect(said(town.life, 'error')).toEqual([]);

  const next = town.live();
  await next.anchorer.tick();
  expect(next.beacons).toEqual([]);
});
