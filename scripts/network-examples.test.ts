/** Loads the configurations of docs/networks as the gateway does. Nothing is asked over a network. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../gateway/config.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'networks');
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

/** By the documentation of each network. */
const NETWORKS: Readonly<Record<string, object>> = {
  'local.json': { chainId: 31_337, finality: 'auto' },
  'besu-permissioned.json': { chainId: 1337, finality: 'confirmations', confirmations: 1, maxFeeGwei: 0 },
  'base-sepolia.json': { chainId: 84_532, finality: 'finalized', transactions: 'auto' },
  'arbitrum-sepolia.json': { chainId: 421_614, finality: 'finalized', transactions: 'auto' },
};

test('are the ones that are described', () => {
  expect(files.sort()).toEqual(Object.keys(NETWORKS).sort());
});

describe.each(files)('%s', (name) => {
  const config = loadConfig(join(FOLDER, name), {});

  test('is a configuration of a gateway for that network', () => {
    expect(config.chain).toMatchObject(NETWORKS[name] ?? {});
  });

  test('has no credentials, and no setting that stands for what is not there', () => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    expect(text).not.toMatch(/:\/\/[^/"]*@|[?&](?:api)?key=/i);
    expect(config.access).toEqual([]);
  });

  test('stands in the table with its chain id', () => {
    const row = readme.split('\n').find((line) => line.includes(`(${name})`));
    expect(row).toContain(`| ${config.chain?.chainId} `);
  });
});
