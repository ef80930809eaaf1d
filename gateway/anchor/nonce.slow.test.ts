/** A node that gives a wrong nonce for a while, and what comes of it once it is right again. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeProxy, on } from '../../contracts/testing/node-proxy.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, type Life, Scene, said } from './testing/scene.ts';

let scene: Scene;
let proxy: NodeProxy;
let rpcUrls: readonly string[];
/** Added to the nonce that the node answers. */
let error: number;

beforeEach(async () => {
  error = 0;
  scene = await Scene.start();
  proxy = await NodeProxy.start(
    () => scene.node.url,
    on(
      'eth_getTransactionCount',
      async (_call, truth) => `0x${(Number(await truth()) + error).toString(16)}`,
    ),
  );
  rpcUrls = [proxy.url];
});

afterEach(async () => {
  await scene.stop();
  await proxy.stop();
  expect(scene.violations()).toEqual([]);
});

async function expectHealed(life: Life): Promise<void> {
  await scene.nextCadence(life);
  await life.anchorer.tick();
  await scene.nextCadence(life);
  expect(await scene.contractSize()).toBe(scene.log.checkpoints.at(-1)?.size);
  await life.anchorer.tick();
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  const { recorded, final, halted } = await life.anchorer.status();
  expect({ final, halted }).toEqual({ final: recorded, halted: false });
  expect(life.fatals).toEqual([]);
}

test('lower than what is anchored: nothing is signed until the node has caught up with itself', async () => {
  const life = scene.live({ chain: { rpcUrls } });
  await life.anchorer.tick();
  await scene.nextCadence(life);
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  error = -1;
  for (let i = 0; i < 3; i++) await scene.nextCadence(life);
  expect(await scene.contractSize()).toBe(2);
  expect(await scene.store.list(100)).toHaveLength(2);
  const { lastError } = await life.anchorer.status();
  expect(lastError?.code).toBe('chain-unreachable');
  expect(lastError?.message).toMatch(
    /^the node gives 1 as the next nonce of the account, but 1 is used in block \d+: it is behind itself/,
  );
  error = 0;
  await expectHealed(life);
});

test('higher than is true: what waits behind the gap does not keep the newest checkpoint off the chain', async () => {
  const life = scene.live({ chain: { rpcUrls } });
  await life.anchorer.tick();
  error = 2;
  for (let i = 0; i < 3; i++) await scene.nextCadence(life);
  expect(await scene.contractSize()).toBe(1);
  error = 0;
  await expectHealed(life);
});

test('later at each look: no more than two transactions are signed for each checkpoint', async () => {
  const life = scene.live({ chain: { rpcUrls } });
  await life.anchorer.tick();
  for (let look = 0; look < 14; look++) {
    error += 1;
    scene.clock.advance(CADENCE_MS / 4);
    await life.anchorer.tick();
  }
  expect(scene.log.checkpoints).toHaveLength(4);
  expect((await scene.store.list(100)).length).toBeLessThanOrEqual(2 * 4);
  expect((await life.anchorer.status()).waitingFor).toEqual({ for: 'next-checkpoint' });
  error = 0;
  await expectHealed(life);
});

test('in a new life over the same store, the chain counts and not what was remembered', async () => {
  await scene.rpc('evm_setAutomine', false);
  const first = scene.live({ chain: { rpcUrls } });
  await first.anchorer.tick();
  await scene.mine(); // while no gateway was there to see it
  const life = scene.live({ chain: { rpcUrls } });
  await life.anchorer.tick();
  expect(life.events).toEqual(['anchored 1']);
  expect(said(life, 'warn')).toEqual([]);
  await scene.rpc('evm_setAutomine', true);
  await expectHealed(life);
  const nonces = (await scene.store.list(100)).map(({ nonce }) => nonce);
  expect(nonces).toEqual([...new Set(nonces)]);
});
