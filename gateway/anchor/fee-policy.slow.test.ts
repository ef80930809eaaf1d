/** What is paid when, on a real chain whose fees move. */
import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorRecord } from '../ports.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, type Life, Scene, STUCK_AFTER_MS, said } from './testing/scene.ts';

const GWEI = 1_000_000_000n;
const HOUR_MS = 3_600_000;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.start();
});

afterEach(async () => {
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

async function setBaseFee(gwei: bigint): Promise<void> {
  await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(gwei * GWEI).toString(16)}`);
  await scene.mine();
}

const hex = (bytes: Uint8Array | undefined): string => `0x${bytesToHex(bytes ?? new Uint8Array())}`;

async function newestOpen(): Promise<AnchorRecord> {
  const record = (await scene.store.open()).at(-1);
  if (record === undefined) throw new Error('nothing is open');
  return record;
}

/** Blocks that pass the pending transaction by, until it counts as stuck; then it is in the pool again. */
async function makeStuck(): Promise<AnchorRecord> {
  const record = await newestOpen();
  await scene.rpc('anvil_dropTransaction', hex(record.transactionHash));
  await scene.mine(2);
  await scene.rpc('eth_sendRawTransaction', hex(record.rawTransaction));
  scene.clock.advance(STUCK_AFTER_MS);
  return record;
}

async function expectFinal(life: Life): Promise<void> {
  await scene.rpc('evm_setAutomine', true);
  await scene.nextCadence(life);
  await scene.mine();
  await life.anchorer.tick();
  await scene.mine();
  await life.anchorer.tick();
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  const { recorded, final } = await life.anchorer.status();
  expect(final).toBe(recorded);
}

describe('a price one would like to pay', () => {
  const preferred = { price: 20n * GWEI, waitMs: HOUR_MS };
  const live = () => scene.live({ anchorer: { preferred } });

  test('is waited for, said once, and not beyond the deadline', async () => {
    await setBaseFee(1n);
    const life = live();
    await life.anchorer.tick();
    const first = scene.clock.now();
    await life.anchorer.tick();
    expect(await life.anchorer.status()).toMatchObject({ anchored: 1 });

    await setBaseFee(50n);
    for (let i = 0; i < 5; i++) {
      await scene.nextCadence(life);
      await setBaseFee(50n);
    }
    expect(await scene.contractSize()).toBe(1);
    const { waitingFor } = await life.anchorer.status();
    expect(waitingFor).toMatchObject({ for: 'cheaper-gas', until: first + HOUR_MS });
    expect(waitingFor?.for === 'cheaper-gas' && waitingFor.neededWei > 40n * GWEI).toBe(true);
    expect(said(life, 'info').filter((line) => line.includes('preferred price'))).toHaveLength(1);
    expect(said(life, 'warn')).toEqual([]);

    scene.clock.set(first + HOUR_MS - 1);
    await life.anchorer.tick();
    expect(await scene.contractSize()).toBe(1);
    scene.clock.advance(1);
    await life.anchorer.tick();
    expect(await scene.contractSize()).toBe(scene.log.checkpoints.at(-1)?.size);
    expect((await life.anchorer.status()).waitingFor).toBeUndefined();
    await setBaseFee(1n);
    await expectFinal(life);
  });

  test('is taken as soon as gas costs no more', async () => {
    await setBaseFee(1n);
    const life = live();
    await life.anchorer.tick();
    await life.anchorer.tick();
    await setBaseFee(50n);
    await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(1);
    await setBaseFee(10n);
    await life.anchorer.tick();
    expect(await scene.contractSize()).toBe(2);
    const record = await scene.store.newest('submitted');
    expect((record?.fee.maxFeePerGas ?? 0n) <= preferred.price).toBe(true);
    await expectFinal(life);
  });

  test('does not put the first anchor off', async () => {
    await setBaseFee(50n);
    await live().anchorer.tick();
    expect(await scene.contractSize()).toBe(1);
  });

  test('is kept over a restart, and the deadline with it', async () => {
    await setBaseFee(1n);
    const before = live();
    await before.anchorer.tick();
    await before.anchorer.tick();
    await setBaseFee(50n);
    await scene.nextCadence(before);
    const life = live();
    await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(1);
    scene.clock.advance(HOUR_MS);
    await life.anchorer.tick();
    expect(await scene.contractSize()).toBe(3);
  });
});

describe('a transaction that does not get into a block', () => {
  beforeEach(() => scene.rpc('evm_setAutomine', false));

  test('is replaced at what the chain asks now when fees rose meanwhile', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    const before = await makeStuck();
    await setBaseFee(30n);
    await life.anchorer.tick();
    const after = await newestOpen();
    expect(after.nonce).toBe(before.nonce);
    expect(after.fee.maxFeePerGas >= 30n * GWEI).toBe(true);
    await expectFinal(life);
  });

  test('stays as it is when a replacement would pass the ceiling, and that is said', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    const stuck = await makeStuck();
    const other = scene.live({ anchorer: { feeCeiling: stuck.fee.maxFeePerGas } });
    await other.anchorer.tick();
    await other.anchorer.tick();
    expect(other.events).toEqual([]);
    const { waitingFor } = await other.anchorer.status();
    expect(waitingFor).toMatchObject({ for: 'stuck-at-ceiling' });
    expect(said(other, 'warn')).toMatchInlineSnapshot(`
      [
        "the pending anchor is stuck, and to replace it would cost more than the configured ceiling: it stays as it is",
      ]
    `);
    await scene.mine();
    expect(await scene.contractSize()).toBe(1);
    await expectFinal(other);
    expect((await other.anchorer.status()).waitingFor).toBeUndefined();
  });

  test('is sent again as it was when it was evicted and a replacement would pass the ceiling', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    const stuck = await makeStuck();
    await scene.rpc('anvil_dropTransaction', hex(stuck.transactionHash));
    const other = scene.live({ anchorer: { feeCeiling: stuck.fee.maxFeePerGas } });
    await other.anchorer.tick();
    expect(other.events).toEqual(['submitted 1 resent']);
    await scene.mine();
    expect(await scene.contractSize()).toBe(1);
    await expectFinal(other);
  });

  test('is signed anew when it was evicted, is too cheap now, and a bump would pass the ceiling', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    const stuck = await makeStuck();
    await scene.rpc('anvil_dropTransaction', hex(stuck.transactionHash));
    const baseFee = stuck.fee.maxFeePerGas + 1n;
    await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${baseFee.toString(16)}`);
    await scene.mine();
    const other = scene.live({ anchorer: { feeCeiling: baseFee } });
    await other.anchorer.tick();
    expect(other.events).toEqual(['submitted 1 replacement']);
    expect((await newestOpen()).fee.maxFeePerGas).toBe(baseFee);
    await expectFinal(other);
  });
});

test('a transaction of the same key that takes the nonce costs one attempt and no anchor', async () => {
  await scene.rpc('evm_setAutomine', false);
  const life = scene.live();
  await life.anchorer.tick();
  const ours = await newestOpen();
  const foreign = await new Wallet(scene.operator.privateKey).signTransaction({
    type: 2,
    chainId: 31337,
    nonce: ours.nonce,
    to: scene.owner.address,
    gasLimit: 21_000,
    maxFeePerGas: ours.fee.maxFeePerGas * 2n,
    maxPriorityFeePerGas: ours.fee.maxFeePerGas * 2n,
  });
  await scene.rpc('eth_sendRawTransaction', foreign);
  await scene.mine();
  expect(await scene.contractSize()).toBe(0);
  await life.anchorer.tick();
  expect((await newestOpen()).nonce).toBe(ours.nonce + 1);
  await scene.mine();
  expect(await scene.contractSize()).toBe(1);
  await expectFinal(life);
  expect(await scene.store.byTransaction(ours.transactionHash)).toMatchObject({
    state: 'lost',
    setback: 'replaced',
  });
});

test('a foreign transaction that holds the nonce in the pool is outbid', async () => {
  await scene.rpc('evm_setAutomine', false);
  const foreign = await new Wallet(scene.operator.privateKey).signTransaction({
    type: 2,
    chainId: 31337,
    nonce: 0,
    to: scene.owner.address,
    gasLimit: 21_000,
    maxFeePerGas: 10n * GWEI,
    maxPriorityFeePerGas: 8n * GWEI,
  });
  await scene.rpc('eth_sendRawTransaction', foreign);
  const life = scene.live();
  for (let look = 0; look < 40; look++) {
    await life.anchorer.tick();
    if ((await scene.rpc('eth_getTransactionByHash', hex((await newestOpen()).transactionHash))) !== null)
      break;
  }
  await scene.mine();
  expect(await scene.contractSize()).toBe(1);
  await expectFinal(life);
});

test('the balance is warned about at growing distance, and its funding is said', async () => {
  const gasOfTen = 10n * 85_000n * 2n * GWEI;
  await scene.rpc('anvil_setBalance', scene.operator.address, `0x${gasOfTen.toString(16)}`);
  const life = scene.live({ anchorer: { lowBalanceDays: 14 } });
  const warnings = () => said(life, 'warn').filter((line) => line.includes('will soon be empty'));
  await life.anchorer.tick();
  expect(warnings()).toEqual(['the account that pays for anchors will soon be empty: fund it']);
  const { anchorsLeft = 0, daysLeft = 0 } = await life.anchorer.status();
  expect(anchorsLeft).toBeGreaterThan(3);
  expect(anchorsLeft).toBeLessThan(40);
  expect(daysLeft).toBeCloseTo((anchorsLeft * CADENCE_MS) / (24 * HOUR_MS));

  for (let hour = 0; hour < 6; hour++) {
    scene.clock.advance(HOUR_MS);
    await life.anchorer.tick();
  }
  expect(warnings()).toHaveLength(3); // at 0, 1 and 3 hours; the next would be at 7
  await scene.rpc('anvil_setBalance', scene.operator.address, '0x56bc75e2d63100000');
  await life.anchorer.tick();
  await life.anchorer.tick();
  const funded = 'the account that pays for anchors is funded again';
  expect(said(life, 'info').filter((line) => line === funded)).toHaveLength(1);
  await expectFinal(life);
});
