/** The whole way on a chain as consortia run them: before London, gas free, accounts empty, the operator's key in a signer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Anvil, anvilAccount, startAnvil } from '../contracts/index.ts';
import { endPrograms, mustRun, vitalseal } from './support/command.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

let site: Site;
let chain: Anvil;

beforeAll(async () => {
  const options = { hardfork: 'berlin', gasPrice: 0, blockTime: 1, slotsInAnEpoch: 1 };
  [site, chain] = await Promise.all([Site.create(), startAnvil(options)]);
}, 120_000);

afterAll(async () => {
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

it('anchors to final without a wei', async () => {
  const known = readFileSync(join(site.directory, 'gateway', 'gateway-public.json'), 'utf8');
  const { account } = JSON.parse(known) as { account: string };
  expect(await callChain(chain, 'eth_getBalance', [account, 'latest'])).toBe('0x0');
  const operator = anvilAccount(3).address; // anvil signs for it, as web3signer would
  await callChain(chain, 'anvil_setBalance', [operator, '0x0']);

  const deploy = ['contract', 'deploy', '--config', site.config, '--rpc', chain.url, '--free-gas'];
  const half = await vitalseal([...deploy, '--operator', operator]);
  expect(half).toMatchObject({ code: 2 });
  await mustRun([...deploy, '--signer', chain.url, '--operator', operator]);
  site.amend((config) => ({ chain: { ...config.chain, pollSeconds: 0.25 } }));

  await site.startGateway();
  await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) > 1);
  const said = await mustRun(['status', '--config', site.config]);
  expect(said).toContain(`account      ${operator.toLowerCase()} holds 0 ether: gas is free`);
  expect(said).not.toMatch(/^(waiting|chain) /m);
  expect(site.gateway.err()).not.toMatch(/"level":(40|50)|fund it/);
  const metrics = await (await site.get('/metrics')).text();
  expect(metrics).toMatch(/^vitalseal_chain_anchors_left \+Inf$/m);
});
