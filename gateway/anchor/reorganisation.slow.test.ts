/** Reorganisations as deep as a chain's finality allows: nothing that is undone is ever called final, and all of it comes again. */
import { afterEach, expect, test } from 'vitest';
import { Scene } from './testing/scene.ts';

/** anvil calls a block final when twice as many stand on it. */
const SLOTS = 40;
const ANCHORS = 3;

let scene: Scene;

afterEach(async () => {
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

test.each([1, 8, 32, 64])('%i blocks deep', async (depth) => {
  scene = await Scene.start({ slotsInAnEpoch: SLOTS });
  const life = scene.live();
  await life.anchorer.tick();
  await scene.mine(2 * SLOTS); // the first anchor is out of reach
  await life.anchorer.tick();
  expect(await life.anchorer.status()).toMatchObject({ final: 1 });
  for (let anchor = 0; anchor < ANCHORS; anchor++) {
    scene.log.append(5);
    await scene.nextCadence(life);
    if (depth > ANCHORS) await scene.mine(Math.floor(depth / ANCHORS) - 1);
  }
  await life.anchorer.tick();
  const newest = (await scene.log.newestCheckpoint())?.size ?? 0;
  expect(await life.anchorer.status()).toMatchObject({ anchored: newest, final: 1 });

  await scene.rpc('anvil_reorg', depth, []);
  expect(await scene.contractSize()).toBeLessThan(newest);
  await scene.rpc('evm_setAutomine', false);
  await life.anchorer.tick();
  expect(life.events.filter((event) => event.startsWith('setback'))).toContain('setback reorganised');
  expect(await life.anchorer.status()).toMatchObject({ submitted: newest, final: 1 });

  await scene.rpc('evm_setAutomine', true);
  await scene.mine();
  await life.anchorer.tick();
  expect(await scene.contractSize()).toBe(newest);
  expect(await life.anchorer.status()).toMatchObject({ anchored: newest, final: 1 });
  await scene.mine(2 * SLOTS);
  await life.anchorer.tick();
  expect(await life.anchorer.status()).toMatchObject({ final: newest });
  for (const { anchor } of life.finals) {
    const block = await scene.rpc('eth_getBlockByNumber', `0x${anchor?.blockNumber.toString(16)}`, false);
    expect(block).toMatchObject({ hash: `0x${Buffer.from(anchor?.blockHash ?? []).toString('hex')}` });
  }
});
