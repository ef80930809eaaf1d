/** On a real chain that charges for data as the OP Stack does: what is expected of it, and what an anchor then pays. */
import { Interface, parseEther } from 'ethers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { READING_LOG_ABI } from '../../contracts/index.ts';
import { hexToBytes } from '../../src/bytes.ts';
import type { AnchorCall } from './chain.ts';
import { largestAnchor } from './data-fee.ts';
import { GAS_PRICE_ORACLE, OpStack } from './testing/op-stack.ts';
import { BLOCKS_TO_FINAL, type Life, Scene, said } from './testing/scene.ts';

const GWEI = 1_000_000_000n;
/** At this price of the chain below an anchor pays several times as much for its data as for its gas. */
const DEAR = 200_000n * GWEI;

interface Paid {
  readonly gas: bigint;
  readonly data: bigint;
  readonly call: AnchorCall;
}

let scene: Scene;
let below: OpStack;

beforeEach(async () => {
  scene = await Scene.start({ network: 'optimism' });
  below = await OpStack.install(scene);
});

afterEach(async () => {
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

const balance = async (): Promise<bigint> =>
  BigInt(String(await scene.rpc('eth_getBalance', scene.operator.address, 'latest')));

async function setBalance(wei: bigint): Promise<void> {
  await scene.rpc('anvil_setBalance', scene.operator.address, `0x${wei.toString(16)}`);
}

/** A turn with the next anchor in it, and what the account paid for that. */
async function anchorOnce(life: Life): Promise<Paid> {
  const before = await balance();
  scene.log.append(40);
  await scene.nextCadence(life);
  const after = await balance();
  const [record] = await scene.store.list(1);
  const hash = `0x${Buffer.from(record?.transactionHash ?? []).toString('hex')}`;
  const receipt = (await scene.rpc('eth_getTransactionReceipt', hash)) as Record<string, string>;
  const { input } = (await scene.rpc('eth_getTransactionByHash', hash)) as { input: string };
  const gas = BigInt(receipt['gasUsed'] ?? 0) * BigInt(receipt['effectiveGasPrice'] ?? 0);
  return { gas, data: before - after - gas, call: readCall(input) };
}

function readCall(input: string): AnchorCall {
  const [, size, root, proof] = new Interface(READING_LOG_ABI).decodeFunctionData('anchor', input);
  const bytes = (hex: string): Uint8Array => hexToBytes(hex.slice(2));
  return { size: Number(size), root: bytes(root), consistencyProof: [...proof].map(bytes) };
}

async function dataFee(call: AnchorCall): Promise<bigint> {
  const chain = scene.connect();
  try {
    return await chain.dataFee(call);
  } finally {
    chain.close();
  }
}

test('what is expected for an anchor is what the chain takes for it', async () => {
  await below.setPrice(20n * GWEI);
  const life = scene.live();
  await life.anchorer.tick();
  for (let i = 0; i < 3; i++) {
    const { data, call } = await anchorOnce(life);
    const expected = await dataFee(call);
    // The oracle here does not compress, the chain does.
    expect(Number(expected) / Number(data)).toBeGreaterThan(1);
    expect(Number(expected) / Number(data)).toBeLessThan(1.3);
    expect((await dataFee(largestAnchor(call.size))) >= expected).toBe(true);
  }
});

test('the balance is told in anchors whose data is paid, and warned about in time', async () => {
  await below.setPrice(DEAR);
  const life = scene.live({ anchorer: { lowBalanceDays: 0.01 } });
  await life.anchorer.tick();
  const paid = await anchorOnce(life);
  expect(paid.data > 2n * paid.gas).toBe(true);
  await life.anchorer.tick();
  const { anchorCost = 0n } = await life.anchorer.status();
  expect(anchorCost > paid.gas + paid.data).toBe(true);
  expect(anchorCost < 2n * (paid.gas + paid.data)).toBe(true);
  expect(said(life, 'warn')).toEqual([]);

  await setBalance(10n * anchorCost);
  await life.anchorer.tick();
  const { anchorsLeft = 0 } = await life.anchorer.status();
  expect(anchorsLeft).toBeGreaterThan(8);
  expect(anchorsLeft).toBeLessThan(12);
  expect(said(life, 'warn')).toEqual(['the account that pays for anchors will soon be empty: fund it']);
});

test('an account that has the gas and not the data fee is to be funded, and nothing is sent before', async () => {
  await below.setPrice(DEAR);
  const fee = await dataFee(largestAnchor(1));
  await setBalance(fee);
  const life = scene.live();
  await life.anchorer.tick();
  const { lastError } = await life.anchorer.status();
  expect(lastError?.message).toMatch(
    /^the account 0x[0-9a-f]{40} holds [\d.]+ ether, and the next anchor may cost up to [\d.]+: fund it/,
  );
  expect(await scene.store.list(1)).toEqual([]);

  const needed = parseEther(/up to ([\d.]+):/.exec(String(lastError?.message))?.[1] ?? '0');
  expect(needed > fee).toBe(true);
  await setBalance(2n * needed);
  await scene.nextCadence(life);
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  const { recorded, final } = await life.anchorer.status();
  expect(final).toBe(recorded);
});

describe('no data fee', () => {
  test('where gas is free nobody is asked for it', async () => {
    await below.setPrice(DEAR);
    const life = scene.live({ anchorer: { feeCeiling: 0n } });
    await life.anchorer.tick();
    expect((await life.anchorer.status()).anchorsLeft).toBeUndefined();
  });

  test.each([
    ['no contract', '0x'],
    ['one that reverts', '0x5f5ffd'],
  ])('with %s at the address of the oracle', async (_name, code) => {
    await below.setPrice(DEAR);
    await scene.rpc('anvil_setCode', GAS_PRICE_ORACLE, code);
    expect(await dataFee(largestAnchor(1_000))).toBe(0n);
  });

  test('with a contract there that answers nonsense nothing is known', async () => {
    // Returns one byte.
    await scene.rpc('anvil_setCode', GAS_PRICE_ORACLE, '0x60015ff3');
    await expect(dataFee(largestAnchor(1_000))).rejects.toThrow('unusable answer to eth_call');
  });
});
