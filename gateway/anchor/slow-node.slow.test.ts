/** A node that is slow, or keeps silent where it likes: what may wait for it, and what may not. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { anvilAccount } from '../../contracts/anvil.ts';
import { type Hand, honest, NO_SUCH_METHOD, NodeProxy } from '../../contracts/testing/node-proxy.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, type Life, Scene } from './testing/scene.ts';

/** Longer than any test here runs. */
const FOR_EVER_MS = 600_000;
const TIMEOUT_MS = 500;
const OTHERS = 120;

let scene: Scene;
let node: NodeProxy;

beforeEach(async () => {
  scene = await Scene.start();
  node = await NodeProxy.start(() => scene.node.url);
});

afterEach(async () => {
  await scene.stop();
  await node.stop();
  expect(scene.violations()).toEqual([]);
});

/** Keeps silent when asked for one of these, for all when none is named, and tells when it has been. */
function silentOn(...methods: readonly string[]): { readonly hand: Hand; readonly asked: Promise<void> } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const hand: Hand = ({ method }, truth) => {
    if (methods.length > 0 && !methods.includes(method)) return truth();
    resolve();
    return { odd: 'silence' };
  };
  return { hand, asked };
}

/** No method for all receipts of a block, and time for each of the others'. */
function dripping(ours: () => ReadonlySet<unknown>): Hand {
  return async ({ method, params }, truth) => {
    if (method === 'eth_getBlockReceipts') return NO_SUCH_METHOD;
    if (method === 'eth_getTransactionReceipt' && !ours().has(params[0])) await delay(TIMEOUT_MS / 3);
    return truth();
  };
}

const live = (timeoutMs: number, anchorer = {}): Life =>
  scene.live({ chain: { rpcUrls: [node.url], timeoutMs }, anchorer });

const asked = (method: string): number => node.asked.filter((name) => name === method).length;

/** Puts so many transfers of others into the block in which the next checkpoint is anchored. */
async function anchorAmongOthers(life: Life): Promise<void> {
  await scene.rpc('evm_setAutomine', false);
  const { address } = anvilAccount(2);
  for (let i = 0; i < OTHERS; i++)
    await scene.rpc('eth_sendTransaction', { from: address, to: address, value: '0x1', gas: '0x5208' });
  scene.log.append(1);
  await scene.nextCadence(life);
  await scene.mine();
}

describe('checkpoints are sealed on their cadence', () => {
  test.each<[string, readonly string[]]>([
    ['whatever it is asked', []],
    ['about blocks', ['eth_getBlockByNumber']],
    ['about the account', ['eth_getTransactionCount']],
    ['about the receipts of a block', ['eth_getBlockReceipts']],
    ['about taking a transaction', ['eth_sendRawTransaction']],
  ])('by a node that keeps silent %s', async (_what, methods) => {
    const silent = silentOn(...methods);
    node.hand = silent.hand;
    const life = live(FOR_EVER_MS, { pollEveryMs: 5 });
    life.anchorer.start();
    await silent.asked;
    for (let count = 2; count <= 5; count++) {
      scene.clock.advance(CADENCE_MS);
      await vi.waitFor(() => expect(scene.log.checkpoints).toHaveLength(count), 30_000);
    }
    expect(life.events.filter((event) => event.startsWith('failed'))).toEqual([]);
    await life.anchorer.close();
  });
});

describe('the proof of an event', () => {
  test('from a node that drips it out is given up in time, and what was to come after it comes', async () => {
    const life = live(TIMEOUT_MS);
    await anchorAmongOthers(life);
    const [record] = await scene.store.open();
    const ours = new Set([`0x${Buffer.from(record?.transactionHash ?? []).toString('hex')}`]);
    node.hand = dripping(() => ours);
    await scene.rpc('evm_setAutomine', true);
    scene.log.append(1);
    await scene.nextCadence(life);
    expect(asked('eth_getTransactionReceipt')).toBeGreaterThan(8);
    expect(asked('eth_getTransactionReceipt')).toBeLessThan(OTHERS / 2);
    expect((await scene.store.newest('anchored'))?.anchor?.eventProof).toBeUndefined();
    expect(life.events).toEqual(['submitted 2 new', 'anchored 2', 'submitted 4 new']);

    node.hand = honest;
    scene.clock.advance(CADENCE_MS / 2);
    for (let i = 0; i < 3; i++) await life.anchorer.tick();
    expect(await scene.store.lackingProof(scene.target, 10)).toEqual([]);
  });

  test('from a node that keeps silent about it takes a smaller and smaller share of the time', async () => {
    node.hand = silentOn('eth_getBlockReceipts').hand;
    const life = live(TIMEOUT_MS);
    for (let second = 0; second < 170; second++) {
      await life.anchorer.tick();
      await scene.mine();
      scene.clock.advance(1_000);
    }
    expect(asked('eth_getBlockReceipts')).toBeGreaterThan(3);
    expect(asked('eth_getBlockReceipts')).toBeLessThan(12);
    await scene.mine(BLOCKS_TO_FINAL);
    await life.anchorer.tick();
    const newest = await scene.log.newestCheckpoint();
    expect(await life.anchorer.status()).toMatchObject({ recorded: newest?.size, final: newest?.size });
  });

  test('is not waited for by who closes the gateway', async () => {
    const silent = silentOn('eth_getBlockReceipts');
    node.hand = silent.hand;
    const life = live(FOR_EVER_MS, { pollEveryMs: 5 });
    life.anchorer.start();
    await silent.asked;
    await life.anchorer.close();
    expect((await scene.store.newest('anchored'))?.anchor?.eventProof).toBeUndefined();
  });
});
