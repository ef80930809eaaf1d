/** The way that docs/networks describes, from init to a final anchor, by its commands and with its files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Anvil, type AnvilOptions, anvilAccount, startAnvil } from '../contracts/index.ts';
import { endPrograms, mustRun, ROOT, vitalseal } from './support/command.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

const FOLDER = join(ROOT, 'docs', 'networks');
const [DEPLOY = '', DEPLOY_FREE = '', ...OTHERS] = readFileSync(join(FOLDER, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('vitalseal contract deploy '));
const ONE_ETHER_WEI = '0xde0b6b3a7640000';

let site: Site;
let chain: Anvil;

afterEach(async () => {
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

async function begin(options: AnvilOptions): Promise<string> {
  [site, chain] = await Promise.all([
    Site.create(),
    startAnvil({ blockTime: 1, slotsInAnEpoch: 1, ...options }),
  ]);
  const known = readFileSync(join(site.directory, 'gateway', 'gateway-public.json'), 'utf8');
  return (JSON.parse(known) as { account: string }).account;
}

/** A described command as it is for this site and chain. */
const commandOf = (line: string, operator = ''): string[] =>
  line
    .replace('gateway/vitalseal.json', site.config)
    .replaceAll(' URL', ` ${chain.url}`)
    .replace('ADDRESS', operator)
    .split(' ')
    .slice(1);

async function anchorToFinal(name: string): Promise<void> {
  const settings = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as { chain?: object };
  site.amend((config) => ({ ...settings, chain: { ...config.chain, ...settings.chain } }));
  site.amend((config) => ({ checkpointEverySeconds: 1, chain: { ...config.chain, pollSeconds: 0.25 } }));
  await site.startGateway();
  // Asked with the administrator's token that init made.
  await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) > 1);
}

it('anchors on a local chain with local.json', async () => {
  expect(OTHERS).toEqual([]);
  const account = await begin({});
  await callChain(chain, 'anvil_setBalance', [account, ONE_ETHER_WEI]);
  await mustRun(commandOf(DEPLOY));
  await anchorToFinal('local.json');
});

it('anchors without a wei with besu-permissioned.json: before London, accounts empty, the operator in a signer', async () => {
  const account = await begin({ hardfork: 'berlin', gasPrice: 0 });
  expect(await callChain(chain, 'eth_getBalance', [account, 'latest'])).toBe('0x0');
  const operator = anvilAccount(3).address; // anvil signs for it, as web3signer would
  await callChain(chain, 'anvil_setBalance', [operator, '0x0']);
  const half = await vitalseal([...commandOf(DEPLOY), '--free-gas', '--operator', operator]);
  expect(half).toMatchObject({ code: 2 });
  await mustRun(commandOf(DEPLOY_FREE, operator));

  await anchorToFinal('besu-permissioned.json');
  const said = await mustRun(['status', '--config', site.config]);
  expect(said).toContain(`account      ${operator.toLowerCase()} holds 0 ether: gas is free`);
  expect(said).not.toMatch(/^(waiting|error) /m);
  expect(site.gateway.err()).not.toMatch(/"level":(40|50)|fund it/);
  const metrics = await (await site.get('/metrics')).text();
  expect(metrics).toMatch(/^vitalseal_chain_anchors_left \+Inf$/m);
});
