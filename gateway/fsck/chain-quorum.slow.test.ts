import { afterEach, describe, expect, test } from 'vitest';
import { type Hand, honest, NodeProxy } from '../../contracts/testing/node-proxy.ts';
import { LIES, TROUBLES } from '../anchor/testing/lies.ts';
import type { GatewayConfig } from '../config-schema.ts';
import { checkStore } from './check-store.ts';
import { AnchoredScene } from './testing/anchored.ts';
import { TestFolder } from './testing/scene.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A store that a gateway anchored, and the configuration with the ways it knew: one for each hand. */
async function anchored(...hands: readonly Hand[]): Promise<GatewayConfig> {
  const folder = new TestFolder();
  closers.push(() => folder.remove());
  const scene = await AnchoredScene.start(async (url) => {
    const proxies = await Promise.all(hands.map((hand) => NodeProxy.start(() => url, hand)));
    closers.push(...proxies.map((proxy) => () => proxy.stop()));
    return proxies.map((proxy) => proxy.url);
  });
  closers.push(() => scene.stop());
  return scene.write(folder);
}

describe('a store that was anchored while one of three nodes was wrong, checked over the same nodes', () => {
  test.each(Object.entries({ ...LIES, ...TROUBLES }))('%s: nothing is found', async (_name, fault) => {
    const report = await checkStore({ config: await anchored(honest, fault(), honest), fast: true });
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ chain: 'checked', checked: { anchorsOnChain: 3 } });
  });
});

test('what two of three nodes invented is found when the check asks an honest one', async () => {
  const hand = LIES['invented receipts']?.() ?? honest;
  const config = await anchored(hand, honest, hand);
  const { rpcUrls = [], ...chain } = config.chain ?? {};
  const alone = { ...config, chain: { ...chain, rpcUrls: rpcUrls.slice(1, 2) } } as GatewayConfig;
  const { findings } = await checkStore({ config: alone, fast: true });
  // The honest node took the transactions all the same: only the blocks are false.
  expect(new Set(findings.map(({ id }) => id))).toEqual(new Set(['anchor-event-missing']));
});

test('one node of three is no quorum: the check says so and finds nothing', async () => {
  const config = await anchored(honest, honest, honest);
  const [first = ''] = config.chain?.rpcUrls ?? [];
  const dead = { ...config.chain, rpcUrls: [first, 'http://127.0.0.1:9', 'http://localhost:9'] };
  const report = await checkStore({ config: { ...config, chain: dead } as GatewayConfig, fast: true });
  expect(report.findings).toEqual([]);
  expect(report.chain).toBe('unreachable');
  expect(report.chainDetail).toMatch(/^no 2 of 3 nodes agree on the chain id, 1 answered: /);
  expect(report.chainDetail).not.toContain('anchoring goes on');
});
