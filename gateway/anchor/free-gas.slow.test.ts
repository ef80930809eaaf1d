/** Chains without EIP-1559, and chains where gas is free, as permissioned networks are set up. */
import { Transaction } from 'ethers';
import { afterEach, describe, expect, test } from 'vitest';
import type { AnvilOptions } from '../../contracts/anvil.ts';
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorerOptions } from './anchorer.ts';
import { BLOCKS_TO_FINAL, type Life, Scene, STUCK_AFTER_MS, said } from './testing/scene.ts';

let scene: Scene;

afterEach(async () => {
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

async function start(options: AnvilOptions, anchorer: Partial<AnchorerOptions> = {}): Promise<Life> {
  scene = await Scene.start(options);
  return scene.live({ anchorer });
}

/** Anchors twice, up to final. The transaction of the newest one. */
async function anchorToFinal(life: Life): Promise<Transaction> {
  await life.anchorer.tick();
  scene.log.append(5);
  await scene.nextCadence(life);
  const record = (await scene.store.open()).at(-1);
  await life.anchorer.tick();
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  const { recorded, final, lastError } = await life.anchorer.status();
  expect({ final, lastError, warnings: said(life, 'warn') }).toEqual({
    final: recorded,
    lastError: undefined,
    warnings: [],
  });
  expect(life.finals.map(({ size }) => size)).toEqual([1, 7]);
  return Transaction.from(`0x${bytesToHex(record?.rawTransaction ?? new Uint8Array())}`);
}

describe('before London', () => {
  test('auto sends legacy transactions at the price the node advises', async () => {
    const { type, gasPrice } = await anchorToFinal(await start({ hardfork: 'berlin' }));
    expect(type).toBe(0);
    expect(gasPrice).toBe(BigInt(String(await scene.rpc('eth_gasPrice'))));
  });

  test('with free gas an empty account anchors', async () => {
    const life = await start({ hardfork: 'berlin', gasPrice: 0 }, { feeCeiling: 0n });
    await scene.rpc('anvil_setBalance', scene.operator.address, '0x0');
    const { type, gasPrice } = await anchorToFinal(life);
    expect({ type, gasPrice }).toEqual({ type: 0, gasPrice: 0n });
    const status = await life.anchorer.status();
    expect(status).toMatchObject({ balance: 0n });
    expect(status).not.toHaveProperty('anchorsLeft');
  });

  test('a gas price above the ceiling is waited out', async () => {
    const life = await start({ hardfork: 'berlin', gasPrice: 9_000 }, { feeCeiling: 8_999n });
    await life.anchorer.tick();
    expect((await life.anchorer.status()).waitingFor).toEqual({ for: 'fee', neededWei: 9_000n });
  });

  test('a stuck one is replaced at a price that nodes take', async () => {
    const life = await start({ hardfork: 'berlin' });
    await scene.rpc('evm_setAutomine', false);
    await life.anchorer.tick();
    const [stuck] = await scene.store.open();
    const hash = `0x${bytesToHex(stuck?.transactionHash ?? new Uint8Array())}`;
    await scene.rpc('anvil_dropTransaction', hash);
    await scene.mine(2);
    const raw = `0x${bytesToHex(stuck?.rawTransaction ?? new Uint8Array())}`;
    await scene.rpc('eth_sendRawTransaction', raw);
    scene.clock.advance(STUCK_AFTER_MS);
    await life.anchorer.tick();
    expect(life.events).toEqual(['submitted 1 new', 'submitted 1 replacement']);
    expect(await scene.rpc('eth_getTransactionByHash', hash)).toBeNull();
    await scene.mine();
    expect(await scene.contractSize()).toBe(1);
  });
});

describe('with a base fee of zero', () => {
  test('an empty account anchors with transactions that offer nothing', async () => {
    const life = await start({ gasPrice: 0, baseFee: 0 }, { feeCeiling: 0n });
    await scene.rpc('anvil_setBalance', scene.operator.address, '0x0');
    const { type, maxFeePerGas, maxPriorityFeePerGas } = await anchorToFinal(life);
    expect({ type, maxFeePerGas, maxPriorityFeePerGas }).toEqual({
      type: 2,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
    });
  });

  test('legacy is sent where the configuration says so', async () => {
    const life = await start({ gasPrice: 0, baseFee: 0 }, { feeCeiling: 0n, transactions: 'legacy' });
    const { type, gasPrice } = await anchorToFinal(life);
    expect({ type, gasPrice }).toEqual({ type: 0, gasPrice: 0n });
  });
});

test('with a base fee, legacy transactions offer it at least', async () => {
  const life = await start({}, { transactions: 'legacy' });
  const { type, gasPrice } = await anchorToFinal(life);
  expect(type).toBe(0);
  expect((gasPrice ?? 0n) > 0n).toBe(true);
});

test('a chain that does not know EIP-1559 refuses what insists on it, and says why', async () => {
  const life = await start({ hardfork: 'berlin' }, { transactions: 'eip1559' });
  await life.anchorer.tick();
  const { lastError } = await life.anchorer.status();
  expect(lastError?.code).toBe('anchor-failed');
  expect(lastError?.message).toMatch(/^the node refused the anchor transaction: .*(1559|type)/);
});
