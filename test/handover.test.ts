/** Owner and operator of a log change hands, as the procedures of docs/operations.md for a leaked key have it. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Anvil, anvilAccount, startAnvil } from '../contracts/index.ts';
import { endPrograms, mustRun, vitalseal } from './support/command.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

interface Shown {
  readonly owner: string;
  readonly operator: string;
  readonly proposedOwner: string | null;
  readonly proposedOperator: string | null;
  readonly isReadingLog: boolean;
  readonly size: number;
  readonly contract: string;
}

let site: Site;
let chain: Anvil;

beforeAll(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
}, 120_000);

afterAll(async () => {
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

const here = (): string[] => ['--gateway', site.file('gateway/gateway-public.json'), '--rpc', chain.url];
const keyOf = (name: string): string[] => [
  '--keystore',
  site.file(name),
  '--password',
  site.file(`${name}-password`),
];
const firstKey = (): string[] => [
  ...['--keystore', site.file('gateway/keystore.json')],
  ...['--password', site.file('gateway/keystore-password')],
];
const show = async (): Promise<Shown> =>
  JSON.parse(await mustRun(['contract', 'show', ...here(), '--json'])) as Shown;

/** A new account with ether, kept as `name`. Its address. */
async function makeAccount(name: string): Promise<string> {
  const made = ['contract', 'new-account', site.file(name), '--password', site.file(`${name}-password`)];
  const address = (await mustRun(made)).trim();
  await callChain(chain, 'anvil_setBalance', [address, '0xde0b6b3a7640000']);
  return address;
}

it('hands the log to an owner kept elsewhere, and anchoring to a new key after the old one leaked', async () => {
  const owner = await makeAccount('owner');
  const printed = await site.openLogOn(chain, ['--owner', owner]);
  expect(printed).toContain(`proposed ${owner} as the owner`);
  const before = await show();
  expect(before).toMatchObject({ proposedOwner: owner, owner: before.operator, isReadingLog: true, size: 0 });
  const accepted = await mustRun(['contract', 'accept-owner', ...here(), ...keyOf('owner')]);
  expect(accepted).toMatch(new RegExp(`^owner +${owner}$`, 'm'));
  expect(accepted).toMatch(/^proposed owner +nobody$/m);
  await site.startGateway();
  await until('an anchor by the first key', async () => (await show()).size > 0);

  const next = await makeAccount('next');
  await mustRun(['contract', 'propose-operator', next, ...here(), ...keyOf('owner')]);
  expect(await show()).toMatchObject({ owner, operator: before.operator, proposedOperator: next });
  await mustRun(['contract', 'accept-operator', ...here(), ...keyOf('next')]);
  const handed = await show();
  expect(handed).toMatchObject({ owner, operator: next, proposedOperator: null, proposedOwner: null });
  await until('the gateway sees it', async () => {
    return (await site.status()).anchoring?.lastError?.code === 'chain-mismatch';
  });
  expect(await mustRun(['status', '--config', site.config])).toContain('vitalseal contract propose-operator');

  for (const step of [
    ['propose-operator', before.operator],
    ['propose-owner', before.operator],
    ['accept-operator'],
  ]) {
    const { code, err } = await vitalseal(['contract', ...step, ...here(), ...firstKey()]);
    expect(code, step[0]).toBe(3);
    expect(err, step[0]).toMatch(step[0] === 'accept-operator' ? /NotProposed\(/ : /NotOwner\(/);
  }

  site.gateway.kill('SIGTERM');
  await site.gateway.exited;
  expect((await show()).size).toBe(handed.size);
  site.amend(({ chain }) => ({
    chain: { ...chain, keystoreFile: site.file('next'), passwordFile: site.file('next-password') },
  }));
  await site.startGateway();
  await until('an anchor by the new key', async () => (await show()).size > handed.size);
});

it('prints a step for a signer elsewhere, which then counts like any other', async () => {
  const owner = anvilAccount(4).address;
  await mustRun(['contract', 'propose-owner', owner, ...here(), ...keyOf('owner')]);
  const [, gateway = ''] = here();
  const printed = await mustRun(['contract', 'accept-owner', '--gateway', gateway, '--unsigned']);
  const { chainId, ...transaction } = JSON.parse(printed) as { to: string; data: string; chainId: number };
  expect(chainId).toBe(31_337);
  expect(transaction.to).toBe((await show()).contract);
  // anvil signs for it, as a wallet would
  await callChain(chain, 'eth_sendTransaction', [{ ...transaction, from: owner }]);
  await until('the new owner', async () => (await show()).owner === owner);
});

it('takes no account for the owner that the gateway signs with, and says what one account for both means', async () => {
  const other = await Site.create();
  try {
    const operator = anvilAccount(5).address;
    const { account } = JSON.parse(other.publicFile()) as { account: string };
    await callChain(chain, 'anvil_setBalance', [account, '0xde0b6b3a7640000']);
    const deploy = ['contract', 'deploy', '--config', other.config, '--rpc', chain.url];
    for (const own of [
      ['--owner', account],
      ['--owner', operator, '--signer', chain.url, '--operator', operator],
    ]) {
      const { code, err } = await vitalseal([...deploy, ...own]);
      expect(code).toBe(2);
      expect(err).toContain('must be an account that the gateway cannot sign for');
    }
    expect(await callChain(chain, 'eth_getTransactionCount', [account, 'latest'])).toBe('0x0');
    const printed = await other.openLogOn(chain);
    expect(printed).toContain(`owner and operator of the log are one account, ${account}`);
    expect(printed).toContain('vitalseal contract propose-owner');
  } finally {
    other.remove();
  }
});

it('relies on nothing that another contract says', async () => {
  const other = site.file('other-public.json');
  const known = JSON.parse(site.publicFile()) as object;
  writeFileSync(other, JSON.stringify({ ...known, contract: anvilAccount(6).address }));
  const { code, out } = await vitalseal(['contract', 'show', '--gateway', other, '--rpc', chain.url]);
  expect(code).toBe(1);
  expect(out).toContain('NOT the ReadingLog of this version');
  expect(out).not.toContain('owner');
});
