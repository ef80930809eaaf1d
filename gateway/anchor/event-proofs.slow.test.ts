/** Anchors get the proofs of their events from a real node, at once or as soon as it can give them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { honest, NO_SUCH_METHOD, NodeProxy } from '../../contracts/testing/node-proxy.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { type EventProof, findEventProofFault } from '../../src/receipt/event-proof.ts';
import type { AnchorRecord } from '../ports.ts';
import { BLOCKS_TO_FINAL, type Life, Scene, said } from './testing/scene.ts';

const SO_FAR = 'no proof of the anchor’s event yet: receipts go without until then';
const HOUR_MS = 3_600_000;

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

const live = (): Life => scene.live({ chain: { rpcUrls: [node.url] } });

/** Anchors the next checkpoint. */
async function anchorNext(life: Life): Promise<void> {
  scene.log.append(1);
  await scene.nextCadence(life);
  await life.anchorer.tick();
}

function expectProof(record: AnchorRecord | undefined): void {
  const { anchor } = record as { anchor: Anchor };
  expect(anchor.eventProof).toBeDefined();
  expect(findEventProofFault(anchor, anchor.eventProof as EventProof)).toBeUndefined();
}

/** Without them no proof can be made. */
function withoutReceipts(): void {
  const ours = new Set(['eth_getBlockReceipts', 'eth_getBlockByHash']);
  node.hand = ({ method }, truth) => (ours.has(method) ? NO_SUCH_METHOD : truth());
}

test('an anchor has its proof as soon as it is in a block, keeps it when final, and whoever hears of it has it too', async () => {
  const life = live();
  await anchorNext(life);
  expectProof(await scene.store.newest('anchored'));
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  expectProof(await scene.store.newest('final'));
  expectProof(life.finals[0]);
  expect(await scene.store.lackingProof(scene.target, 10)).toEqual([]);
});

test('a node that cannot give it holds nothing up, is asked again, and the proof comes after all', async () => {
  withoutReceipts();
  const life = live();
  await anchorNext(life);
  await scene.mine(BLOCKS_TO_FINAL);
  await anchorNext(life);
  const final = life.finals[0];
  expect(final?.anchor).toBeDefined();
  expect(final?.anchor?.eventProof).toBeUndefined();
  expect(said(life, 'info').filter((line) => line === SO_FAR).length).toBeGreaterThan(0);

  node.hand = honest;
  scene.clock.advance(HOUR_MS);
  for (let i = 0; i < 6; i++) await life.anchorer.tick();
  expectProof(await scene.store.byTransaction(final?.transactionHash as Uint8Array));
  expect(await scene.store.lackingProof(scene.target, 10)).toEqual([]);
});

test('the tries become fewer while the node cannot, and each anchor is complained of once', async () => {
  withoutReceipts();
  const life = live();
  await anchorNext(life);
  node.asked.length = 0;
  for (let second = 0; second < 300; second++) {
    scene.clock.advance(1000);
    await life.anchorer.tick();
  }
  const tries = node.asked.filter((method) => method === 'eth_getBlockByHash').length;
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(12);
  const anchors = (await scene.store.list(100)).filter(({ anchor }) => anchor !== undefined);
  expect(said(life, 'info').filter((line) => line === SO_FAR).length).toBeLessThanOrEqual(anchors.length);
});

test('one block that no proof can be had of does not stand before older ones', async () => {
  withoutReceipts();
  const life = live();
  for (let i = 0; i < 3; i++) await anchorNext(life);
  const [newest, ...older] = await scene.store.lackingProof(scene.target, 10);
  expect(older.length).toBeGreaterThanOrEqual(1);
  const lost = `0x${Buffer.from(newest?.anchor?.blockHash ?? []).toString('hex')}`;
  node.hand = ({ method, params: [which] }, truth) =>
    method === 'eth_getBlockByHash' && which === lost ? null : truth();
  for (let hour = 0; hour < 6; hour++) {
    scene.clock.advance(HOUR_MS);
    for (let i = 0; i < 4; i++) await life.anchorer.tick();
  }
  const lacking = await scene.store.lackingProof(scene.target, 10);
  expect(lacking.map(({ size }) => size)).toEqual([newest?.size]);
});

test('an anchor that loses its block loses the proof with it, and gets another', async () => {
  const life = live();
  await anchorNext(life);
  const before = await scene.store.newest('anchored');
  expectProof(before);
  await scene.rpc('evm_setAutomine', false);
  await scene.rpc('anvil_reorg', 1, []);
  await life.anchorer.tick();
  expect(await scene.store.newest('anchored')).toBeUndefined();
  await scene.mine();
  await life.anchorer.tick();
  const after = await scene.store.newest('anchored');
  expectProof(after);
  expect(after?.anchor?.blockHash).not.toEqual(before?.anchor?.blockHash);
});
