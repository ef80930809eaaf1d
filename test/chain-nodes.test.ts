/** A served gateway whose RPC nodes go wrong one after the other: it takes every reading, and anchors while a quorum is well. */
import { afterEach, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { type Hand, honest, NodeProxy } from '../contracts/testing/node-proxy.ts';
import { LIES, TROUBLES } from '../gateway/anchor/testing/lies.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, mustRun } from './support/command.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const lie = (name: string): Hand => (LIES[name] ?? TROUBLES[name])?.() ?? honest;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startChain(): Promise<{ chain: Anvil; proxies: readonly [NodeProxy, NodeProxy, NodeProxy] }> {
  const chain = await startAnvil({ blockTime: 1, slotsInAnEpoch: 1 });
  closers.push(() => chain.stop());
  const start = (): Promise<NodeProxy> => NodeProxy.start(() => chain.url);
  const proxies = [await start(), await start(), await start()] as const;
  closers.push(...proxies.map((proxy) => () => proxy.stop()));
  return { chain, proxies };
}

it('one node of three that turns against the gateway stops neither intake nor anchoring; two stop only anchoring', async () => {
  const { chain, proxies } = await startChain();
  const [first, second] = proxies;
  const site = await Site.create();
  closers.push(() => site.remove(), endPrograms);
  await site.openLogOn(chain);
  const rpcUrls = proxies.map(({ url }, at) => url.replace('http://', `http://user:hunter${at}@`));
  site.amend((config) => ({ chain: { ...config.chain, rpcUrls } }));
  first.hand = lie('another chain id');
  await site.startGateway();
  const sender = new Sender(
    'urn:dev:mac:0024befffe80cb01',
    createSigner('Ed25519', new Uint8Array(32).fill(7)),
  );
  await site.enrol(sender);
  await sender.connect(site.gateway.mqttUrl);
  closers.push(() => sender.disconnect());

  const takesAndAnchors = async (): Promise<void> => {
    await sender.send();
    const { size } = (await site.status()).log;
    await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) >= size);
  };
  await takesAndAnchors();
  const url = (at: number): string => proxies[at]?.url ?? '';
  expect(await site.metric(`vitalseal_chain_node_healthy{node="${url(0)}"}`)).toBe(0);
  expect(await site.metric(`vitalseal_chain_node_disagreements_total{node="${url(0)}"}`)).toBeGreaterThan(0);
  expect(await site.metric(`vitalseal_chain_node_healthy{node="${url(1)}"}`)).toBe(1);
  const said = await mustRun(['status', '--config', site.config]);
  expect(said).toMatch(
    new RegExp(
      `node +${url(0)}: disagrees; block \\d+.*; disagreed \\d+ times, last on the chain, the contract and its operator at 2`,
    ),
  );
  expect(said).toMatch(new RegExp(`node +${url(2)}: ok; block \\d+(, \\d+ behind)?, final \\d+`));
  expect(said).toContain('2 of 3 must agree');
  expect(said).not.toContain('hunter');

  first.hand = lie('a contract that holds more');
  await takesAndAnchors();

  second.hand = lie('half an answer');
  await until(
    'failure',
    async () => (await site.status()).anchoring?.lastError?.code === 'chain-unreachable',
  );
  await sender.send();
  const { size } = (await site.status()).log;
  await until(
    'checkpoint',
    async () => Number((await (await site.get('/checkpoint')).text()).split('\n')[1]) >= size,
  );

  first.hand = honest;
  await takesAndAnchors();
});
