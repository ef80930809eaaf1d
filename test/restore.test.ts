/** The disk died: the procedures of docs/operations.md, with a backup that holds the newest anchor and with one that does not. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, mustRun, startVitalseal, vitalseal } from './support/command.ts';
import { Sender } from './support/sender.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

let site: Site;
let chain: Anvil;
let sender: Sender;

beforeEach(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
  sender = new Sender('urn:dev:mac:0024befffe80fb01', createSigner('Ed25519', new Uint8Array(32).fill(11)));
  await site.openLogOn(chain);
}, 120_000);

afterEach(async () => {
  await sender.disconnect();
  await endPrograms();
  await chain?.stop();
  site?.remove();
}, 60_000);

async function serveAndSend(readings: number): Promise<void> {
  await site.startGateway();
  await sender.connect(site.gateway.mqttUrl);
  for (let reading = 0; reading < readings; reading++) await sender.send();
}

async function anchored(): Promise<void> {
  const { size } = (await site.status()).log;
  await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) >= size);
}

async function stop(): Promise<void> {
  await sender.disconnect();
  site.gateway.kill('SIGTERM');
  expect(await site.gateway.exited).toBe(0);
}

/** As docs/operations.md has it, into a file beside the data directory. */
async function backUp(): Promise<void> {
  const db = new Database(join(site.dataDirectory, 'gateway.db'));
  await db.backup(site.file('backup.db'));
  db.close();
}

function putBack(): void {
  rmSync(site.dataDirectory, { recursive: true });
  mkdirSync(site.dataDirectory);
  copyFileSync(site.file('backup.db'), join(site.dataDirectory, 'gateway.db'));
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

const statements = async (): Promise<number> => {
  const [device] = JSON.parse(await mustRun(['device', 'list', '--json', '--config', site.config])) as [
    { statements: number },
  ];
  return device.statements;
};

it('goes on from a backup that holds the newest anchor', async () => {
  await site.enrol(sender);
  await serveAndSend(3);
  await anchored();
  await stop();
  await backUp();
  putBack();
  await mustRun(['fsck', '--config', site.config]);
  await serveAndSend(2);
  await anchored();
  expect(await statements()).toBe(5);
});

it('takes no reading on an older one, and goes on in a new log with the devices and readings of the backup', async () => {
  await site.enrol(sender);
  await serveAndSend(2);
  await anchored();
  await mustRun([
    ...['receipt', 'export', '--config', site.config, '--device', sender.urn, '--require-final'],
    ...['--out', site.file('old.receipt.cbor')],
  ]);
  await mustRun(['receipt', 'trust', '--config', site.config, '--out', site.file('old-trust.json')]);
  await backUp();
  await sender.send();
  await anchored();
  await stop();
  putBack();

  expect(await vitalseal(['fsck', '--config', site.config])).toMatchObject({ code: 1 });
  await expect(site.startGateway()).rejects.toThrow(/ended with 3: .*"code":"log-forked"/s);

  const next = site.file('next');
  await mustRun(['init', next, '--origin', 'clinic.example/log-2']);
  const config = join(next, 'vitalseal.json');
  const { mqtt, http, checkpointEverySeconds, providers, chain: anchoredIn } = readJson(site.config);
  const settings = { ...readJson(config), mqtt, http, checkpointEverySeconds, providers };
  writeFileSync(config, JSON.stringify(settings));
  const { account } = JSON.parse(readFileSync(join(next, 'gateway-public.json'), 'utf8')) as {
    account: string;
  };
  await callChain(chain, 'anvil_setBalance', [account, '0xde0b6b3a7640000']);
  await mustRun([
    ...[
      'contract',
      'deploy',
      '--config',
      config,
      '--rpc',
      chain.url,
      '--contract',
      (anchoredIn as { contract: string }).contract,
    ],
  ]);
  const exported = await mustRun(['device', 'export', '--config', site.config]);
  writeFileSync(site.file('fleet.jsonl'), exported);
  await mustRun(['device', 'enrol', '--config', config, '--from', site.file('fleet.jsonl')]);
  const recover = ['recover', '--config', config, '--from', site.config];
  expect(await mustRun(recover)).toBe('2 statements taken, 0 held already, 0 not taken\n');
  expect(await mustRun(recover)).toBe('0 statements taken, 2 held already, 0 not taken\n');

  const gateway = await startVitalseal(['serve', '--config', config]);
  const { mqtt: port } = JSON.parse(gateway.firstLine) as { mqtt: number };
  await sender.connect(`mqtt://127.0.0.1:${port}`);
  await sender.publish(2); // the device still holds it, or is asked for it
  const shown = [
    'contract',
    'show',
    '--gateway',
    join(next, 'gateway-public.json'),
    '--rpc',
    chain.url,
    '--json',
  ];
  await until(
    'an anchor of the new log',
    async () => (JSON.parse(await mustRun(shown)) as { size: number }).size > 4,
  );
  await mustRun(['fsck', '--config', config]);
  expect(
    await mustRun([
      ...['receipt', 'verify', site.file('old.receipt.cbor'), '--trust', site.file('old-trust.json')],
      ...['--rpc', chain.url],
    ]),
  ).toMatch(/^PROVEN$/m);
});

it('brings what was acknowledged on an old copy, while the chain was away, into the right log', async () => {
  await site.enrol(sender);
  await serveAndSend(2);
  await backUp();
  await sender.send();
  await anchored();
  await stop();
  const newest = site.file('newest');
  cpSync(site.dataDirectory, newest, { recursive: true });
  putBack();

  process.kill(chain.pid, 'SIGSTOP');
  await site.startGateway();
  await until('warning that the store is unchecked', () =>
    site.gateway.err().includes('readings are taken before the store could be compared with the chain'),
  );
  await sender.connect(site.gateway.mqttUrl);
  await sender.send();
  await sender.send();
  process.kill(chain.pid, 'SIGCONT');
  expect(await site.gateway.exited).toBe(3);
  expect(site.gateway.err()).toContain('"code":"log-forked"');
  await sender.disconnect();

  const fork = site.file('gateway/fork');
  cpSync(site.dataDirectory, fork, { recursive: true });
  rmSync(site.dataDirectory, { recursive: true });
  cpSync(newest, site.dataDirectory, { recursive: true });
  const forkConfig = site.file('gateway/fork.json');
  writeFileSync(forkConfig, JSON.stringify({ ...readJson(site.config), dataDir: 'fork' }));
  const recovered = await mustRun(['recover', '--config', site.config, '--from', forkConfig]);
  expect(recovered).toBe('2 statements taken, 2 held already, 0 not taken\n');

  await site.startGateway();
  const refused = await vitalseal(['recover', '--config', site.config, '--from', forkConfig]);
  expect(refused).toMatchObject({ code: 3, out: '' });
  expect(refused.err).toContain('stop it first');
  await anchored();
  expect(await statements()).toBe(5);
  await mustRun(['fsck', '--config', site.config]);
});
