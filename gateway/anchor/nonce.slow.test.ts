/** A node that gives a wrong nonce for a while, and what comes of it once it is right again. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BLOCKS_TO_FINAL, type Life, Scene, said } from './testing/scene.ts';

let scene: Scene;
let proxy: Server;
let rpcUrls: readonly string[];
/** Added to the nonce that the node answers. */
let error: number;

beforeEach(async () => {
  error = 0;
  scene = await Scene.start();
  proxy = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', async () => {
      const { id, method, params } = JSON.parse(body);
      const answer = await fetch(scene.node.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).then((reply) => reply.json() as Promise<{ result?: string }>);
      const wrong = method === 'eth_getTransactionCount' && params[1] === 'latest' && error !== 0;
      const result = wrong ? `0x${(Number(answer.result) + error).toString(16)}` : undefined;
      response.end(JSON.stringify(result === undefined ? answer : { jsonrpc: '2.0', id, result }));
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  rpcUrls = [`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`];
});

afterEach(async () => {
  await scene.stop();
  proxy.closeAllConnections();
  proxy.close();
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
