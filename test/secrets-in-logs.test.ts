/** Nothing that the gateway writes or answers holds a key, a password or a token, whatever goes wrong with chain, files and signer. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

const CREDENTIAL = 'hunter2-in-a-url';

const KEY_FILES = ['master-key', 'log-key', 'webhook-key', 'admin-token'];

let site: Site;
let chain: Anvil;
let keystore: string;
let password: string;
let account: string;
let secrets: readonly string[];
/** Everything that was written or answered. */
let output = '';

const file = (name: string): string => join(site.directory, 'gateway', name);

beforeAll(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
  output += await site.openLogOn(chain);
  site.amend(() => ({ logLevel: 'debug' }));
  keystore = readFileSync(file('keystore.json'), 'utf8');
  password = readFileSync(file('keystore-password'), 'utf8').trim();
  const wallet = await Wallet.fromEncryptedJson(keystore, password);
  account = wallet.address;
  const crypto = JSON.parse(keystore).Crypto ?? JSON.parse(keystore).crypto;
  const key = wallet.privateKey.slice(2);
  secrets = [
    key,
    Buffer.from(key, 'hex').toString('base64').slice(0, 40),
    BigInt(wallet.privateKey).toString(),
    password,
    crypto.ciphertext,
    crypto.mac,
    crypto.kdfparams.salt,
    CREDENTIAL,
    ...KEY_FILES.map((name) => readFileSync(file(name), 'utf8').trim()),
  ];
}, 120_000);

afterAll(async () => {
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

function expectNoSecrets(): void {
  const text = output.toLowerCase();
  expect(secrets.every((secret) => secret.length > 10)).toBe(true);
  expect(secrets.filter((secret) => text.includes(secret.toLowerCase()))).toEqual([]);
}

/** Serves until `seen` holds, then collects what was written. */
async function serveUntil(what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
  const gateway = await site.startGateway();
  await until(what, seen);
  for (const path of ['/v1/status', '/metrics', '/health', '/checkpoint', '/v1/nothing'])
    output += await (await site.get(path)).text();
  const authorization = `Bearer ${CREDENTIAL}`;
  output += await (await fetch(`${gateway.httpUrl}/v1/status`, { headers: { authorization } })).text();
  output += (await vitalseal(['status', '--config', site.config])).out;
  gateway.kill('SIGTERM');
  await gateway.exited;
  output += gateway.out() + gateway.err();
}

const failedWith = (code: string) => async () => (await site.status()).anchoring?.lastError?.code === code;

it('not while anchors are made', async () => {
  await serveUntil('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) > 1);
  expect(output).toContain('submitted checkpoint');
  expectNoSecrets();
});

it('not with files that do not fit', async () => {
  const broken = { ...JSON.parse(keystore), version: 9 };
  for (const [name, content] of [
    ['keystore-password', `${password}x`],
    ['keystore-password', keystore],
    ['keystore.json', JSON.stringify(broken)],
    ['keystore.json', keystore.slice(0, -9)],
    ['keystore.json', password],
  ] as const) {
    const before = readFileSync(file(name), 'utf8');
    writeFileSync(file(name), content);
    const { code, out, err } = await vitalseal(['serve', '--config', site.config]);
    output += out + err;
    writeFileSync(file(name), before);
    expect(code).toBe(3);
    expect(err).toContain('keystore');
  }
  expectNoSecrets();
});

it('not with an account that is empty, a signer that is away, or a chain that is', async () => {
  await callChain(chain, 'anvil_setBalance', [account, '0x0']);
  await serveUntil('empty account', failedWith('anchor-failed'));
  let kept: object | undefined;
  site.amend(({ chain: settings }) => {
    kept = settings;
    const { keystoreFile: _, passwordFile: __, ...rest } = settings ?? ({} as never);
    const url = `http://user:${CREDENTIAL}@127.0.0.1:9/?key=${CREDENTIAL}`;
    return { chain: { ...rest, maxFeeGwei: 100, signer: { url, address: account } } };
  });
  await callChain(chain, 'anvil_setBalance', [account, '0xde0b6b3a7640000']);
  await serveUntil('signer that is away', failedWith('signer-failed'));
  site.amend(() => ({ chain: kept }));
  await chain.stop();
  await serveUntil('chain that is away', failedWith('chain-unreachable'));
  expectNoSecrets();
});
