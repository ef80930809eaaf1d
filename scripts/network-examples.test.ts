/** The settings of docs/networks are of a gateway's configuration as deploy leaves it. Nothing is asked over a network. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../gateway/config.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'networks');
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const directory = mkdtempSync(join(tmpdir(), 'vitalseal-networks-'));

afterAll(() => rmSync(directory, { recursive: true }));

/** By the documentation of each network. */
const NETWORKS: Readonly<Record<string, { readonly chainId: number; readonly finality: string }>> = {
  'local.json': { chainId: 31_337, finality: 'auto' },
  'besu-permissioned.json': { chainId: 1337, finality: 'confirmations' },
  'base-sepolia.json': { chainId: 84_532, finality: 'finalized' },
  'arbitrum-sepolia.json': { chainId: 421_614, finality: 'finalized' },
};

/** What `init` and `contract deploy` have written before, as far as it cannot be left out. */
const DEPLOYED = {
  origin: 'clinic.example/log',
  dataDir: 'data',
  keys: { masterKeyFile: 'master-key', logKeyFile: 'log-key', webhookKeyFile: 'webhook-key' },
};
const CHAIN = {
  rpcUrls: ['http://127.0.0.1:8545'],
  contract: `0x${'5f'.repeat(20)}`,
  logId: `0x${'5f'.repeat(32)}`,
  keystoreFile: 'keystore.json',
  passwordFile: 'keystore-password',
};

test('are the ones that are described', () => {
  expect(files.sort()).toEqual(Object.keys(NETWORKS).sort());
});

describe.each(files)('%s', (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const settings = JSON.parse(text) as { readonly chain?: object };
  const network = NETWORKS[name];

  test('goes into the configuration of a gateway for that network', () => {
    const file = join(directory, name);
    const chain = { ...CHAIN, chainId: network?.chainId, ...settings.chain };
    writeFileSync(file, JSON.stringify({ ...DEPLOYED, ...settings, chain }));
    expect(loadConfig(file, {})).toMatchObject({ ...settings, chain: { ...network, ...settings.chain } });
  });

  test('has nothing that init and deploy have written for this gateway, no endpoint and no credentials', () => {
    const own = [...Object.keys(DEPLOYED), ...Object.keys(CHAIN), 'chainId', 'signer', 'access', 'providers'];
    for (const key of own) expect(text).not.toContain(`"${key}"`);
    expect(text).not.toContain('://');
  });

  test('stands in the table with its chain id', () => {
    const row = readme.split('\n').find((line) => line.includes(`(${name})`));
    expect(row).toContain(`| ${network?.chainId} `);
  });
});
