/** Nodes and signers that quote whoever asks them: what the gateway logs in with shows nowhere, whatever they answer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BaseWallet, type TransactionLike, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { type Hand, honest, NodeProxy, type Odd } from '../contracts/testing/node-proxy.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

const PASSWORD = 'hunter2-in-a-url';
const API_KEY = '3f9c2b7d61e84a05';
const LOGIN = Buffer.from(`user:${PASSWORD}`).toString('base64');
const SECRETS = [PASSWORD, API_KEY, LOGIN];

let site: Site;
let chain: Anvil;
let proxy: NodeProxy;
let wallet: BaseWallet;
let output = '';

const file = (name: string): string => join(site.directory, 'gateway', name);
/** With user, password and a key in path and query. */
const guarded = (url = proxy.url): string =>
  `${url.replace('http://', `http://user:${PASSWORD}@`)}/v3/${API_KEY}?key=${API_KEY}`;
const quotation = (url = proxy.url): string =>
  `no: Basic ${LOGIN} of ${guarded(url)} (/v3/${API_KEY}, user:${PASSWORD})`;
const refusal = (): Odd => ({ odd: 'refusal', code: -32000, message: quotation() });
const inWords = (): Odd => ({ odd: 'bytes', bytes: quotation() });
const refusing =
  (...methods: readonly string[]): Hand =>
  ({ method }, truth) =>
    methods.includes(method) ? refusal() : truth();

beforeAll(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
  proxy = await NodeProxy.start(() => chain.url);
  await site.openLogOn(chain);
  const keystore = readFileSync(file('keystore.json'), 'utf8');
  wallet = await Wallet.fromEncryptedJson(keystore, readFileSync(file('keystore-password'), 'utf8').trim());
}, 120_000);

beforeEach(() => {
  output = '';
});

afterAll(async () => {
  await endPrograms();
  await proxy?.stop();
  await chain?.stop();
  site?.remove();
});

async function run(...args: readonly string[]): Promise<string> {
  const { out, err } = await vitalseal(args);
  output += out + err;
  return out + err;
}

/** Serves until `seen` holds, then collects what was written and what everybody may ask for. */
async function serveUntil(what: string, seen: () => Promise<boolean>): Promise<void> {
  const gateway = await site.startGateway();
  await until(what, seen);
  for (const path of ['/v1/status', '/metrics', '/health']) output += await (await site.get(path)).text();
  await run('status', '--config', site.config);
  gateway.kill('SIGTERM');
  await gateway.exited;
  output += gateway.out() + gateway.err();
}

const failedWith = (code: string) => async () => (await site.status()).anchoring?.lastError?.code === code;

async function serveToFinal(): Promise<void> {
  let before: number | undefined;
  await serveUntil('final anchor', async () => {
    const { final } = (await site.status()).anchoring ?? { final: 0 };
    before ??= final;
    return final > before;
  });
}

function expectNoSecrets(): void {
  expect(SECRETS.filter((secret) => output.includes(secret))).toEqual([]);
}

describe('a node', () => {
  beforeAll(() =>
    site.amend((config) => ({ logLevel: 'debug', chain: { ...config.chain, rpcUrls: [guarded()] } })),
  );
  afterAll(() => site.amend((config) => ({ chain: { ...config.chain, rpcUrls: [chain.url] } })));

  it.each<[string, string, Hand]>([
    ['refuses everything', 'chain-unreachable', refusal],
    ['answers in plain text', 'chain-unreachable', inWords],
    ['quotes in its answers', 'chain-unreachable', () => quotation()],
    ['refuses to estimate', 'anchor-failed', refusing('eth_estimateGas')],
    ['refuses the transaction', 'anchor-failed', refusing('eth_sendRawTransaction')],
  ])('that %s', async (_name, code, hand) => {
    proxy.hand = hand;
    await serveUntil('failure', failedWith(code));
    await run('fsck', '--config', site.config);
    expect(output).toContain(code);
    expectNoSecrets();
  });

  it('that takes everything', async () => {
    proxy.hand = honest;
    await serveToFinal();
    expect(await run('fsck', '--config', site.config)).toContain('chain: compared');
    expectNoSecrets();
  });

  it.each<[string, string | undefined, RegExp]>([
    ['refuses the first question', 'eth_chainId', /no chain answers at 127/],
    ['refuses to estimate', 'eth_estimateGas', /deploying ReadingLog: the chain refused it/],
    ['refuses the transaction', 'eth_sendRawTransaction', /deploying ReadingLog: /],
    ['refuses nothing', undefined, /opened log/],
  ])('that %s when the contract is deployed', async (_name, refused, said) => {
    const [other, node] = await Promise.all([Site.create(), NodeProxy.start(() => chain.url)]);
    try {
      const known = readFileSync(join(other.directory, 'gateway', 'gateway-public.json'), 'utf8');
      await callChain(chain, 'anvil_setBalance', [JSON.parse(known).account, '0xde0b6b3a7640000']);
      const refusal: Odd = { odd: 'refusal', code: -32000, message: quotation(node.url) };
      node.hand = (call, truth) => (call.method === refused ? refusal : truth());
      const deploy = ['contract', 'deploy', '--config', other.config, '--rpc', guarded(node.url)];
      expect(await run(...deploy)).toMatch(said);
    } finally {
      await node.stop();
      other.remove();
    }
    expectNoSecrets();
  });
});

describe('a signer', () => {
  const signing: Hand = ({ method, params: [asked] }) => {
    if (method !== 'eth_signTransaction') return refusal();
    const { from: _, gas, ...fields } = asked as TransactionLike<string> & { gas: string };
    return wallet.signTransaction({ type: 2, ...fields, gasLimit: gas });
  };

  beforeAll(() =>
    site.amend(({ chain: settings }) => {
      const { keystoreFile: _, passwordFile: __, ...rest } = settings ?? ({} as never);
      return { logLevel: 'debug', chain: { ...rest, signer: { url: guarded(), address: wallet.address } } };
    }),
  );

  it.each<[string, Hand]>([
    ['refuses', refusal],
    ['answers in plain text', inWords],
    ['quotes in its answer', () => quotation()],
    ['answers as clef does, with nonsense', () => ({ raw: quotation() })],
    ['asks to be asked less', () => ({ odd: 'status', status: 429, headers: { 'retry-after': API_KEY } })],
  ])('that %s', async (_name, hand) => {
    proxy.hand = hand;
    await serveUntil('failure', async () => (await site.status()).anchoring?.lastError !== undefined);
    expectNoSecrets();
  });

  it('that signs', async () => {
    proxy.hand = signing;
    await serveToFinal();
    expectNoSecrets();
  });
});

describe('a configuration', () => {
  it.each([
    ['a URL that is none', () => [guarded().replace('http', 'htp')]],
    ['one node twice', () => [guarded(), guarded()]],
    ['a port that is none', () => [guarded().replace(/:\d+\/v3/, ':99999/v3')]],
  ])('with %s', async (_name, rpcUrls) => {
    const before = readFileSync(site.config, 'utf8');
    site.amend((config) => ({ chain: { ...config.chain, rpcUrls: rpcUrls() } }));
    const { code, out, err } = await vitalseal(['serve', '--config', site.config]);
    output += out + err;
    writeFileSync(site.config, before);
    expect(code).not.toBe(0);
    expect(out + err).toContain('rpcUrls');
    expectNoSecrets();
  });
});
