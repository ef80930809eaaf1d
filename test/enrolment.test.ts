/** A clinic's fleet: thousands of devices out of one file, all or none whatever is killed; keys that change in a running gateway. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { nativeSigner } from '../gateway/crypto/signer.ts';
import { bytesToBase64 } from '../src/bytes.ts';
import { encodeCoseKey } from '../src/cose/key.ts';
import { createSigner } from '../src/signature.ts';
import {
  endPrograms,
  mustRun,
  ROOT,
  type Running,
  startProgram,
  VITALSEAL,
  vitalseal,
} from './support/command.ts';
import { freePort } from './support/free-port.ts';
import { Sender } from './support/sender.ts';
import { PROVIDER, Site } from './support/site.ts';
import { until } from './support/wait.ts';

/** Enough that a kill falls into the middle of it; most of the time goes into looking at every signature afterwards. */
const FLEET = 3_000;
/** No reading waits longer behind a file: generous, since the machine is shared with its load. */
const WAITS_AT_MOST_MS = 2_000;

let site: Site;
const sites: Site[] = [];

beforeEach(async () => {
  site = await Site.create();
  sites.push(site);
});

afterAll(async () => {
  await endPrograms();
  for (const each of sites) each.remove();
});

const urn = (number: number) => `urn:dev:mac:${String(number).padStart(12, '0')}`;
/** Made once, for every test. */
const KEYS = Array.from({ length: FLEET }, (_, at) => {
  const seed = createHash('sha256').update(`fleet ${at}`).digest();
  return bytesToBase64(encodeCoseKey(nativeSigner(seed).publicKey));
});

function writeFleet(size = FLEET): string {
  const rows = KEYS.slice(0, size).map((key, at) => `${urn(at)},patient-${at % 5000},${PROVIDER},${key}`);
  const file = site.file('fleet.csv');
  writeFileSync(file, ['device,patient,provider,key', ...rows].join('\r\n'));
  return file;
}

const enrolArguments = (file: string, ...more: string[]) => [
  ...['device', 'enrol', '--config', site.config, '--from', file],
  ...more,
];
const startEnrolling = (file: string): Running =>
  startProgram(process.execPath, [VITALSEAL, ...enrolArguments(file)]);

interface BatchRow {
  readonly state: string;
  readonly logged: number;
}

/** The newest batch, as another process sees it. */
function batch(): BatchRow | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(join(site.dataDirectory, 'gateway.db'), { readonly: true, fileMustExist: true });
    return db.prepare<[], BatchRow>('SELECT state, logged FROM enrolment_batches ORDER BY id DESC').get();
  } catch {
    return undefined; // not there yet
  } finally {
    db?.close();
  }
}

const listed = async (): Promise<number> => {
  const out = await mustRun(['device', 'list', '--config', site.config, '--json']);
  return (JSON.parse(out) as unknown[]).length;
};
const expectSound = async (): Promise<void> => {
  const { code, out } = await vitalseal(['fsck', '--config', site.config, '--fast']);
  expect({ code, out }).toMatchObject({ code: 0 });
};
const hasLogged = (least: number) => () => {
  const row = batch();
  return row?.state === 'decided' && row.logged >= least && row.logged < FLEET;
};

it.each(['sim.csv', 'sim.jsonl'])('takes what the simulator writes as %s and ends', async (name) => {
  const file = site.file(name);
  const broker = `mqtt://127.0.0.1:${await freePort()}`; // nobody there: it is not needed
  const options = [
    '--state',
    site.file('wearables'),
    '--devices',
    '2',
    '--misbehave',
    'replay,unknown-device',
  ];
  await mustRun(['sim', '--broker', broker, ...options, '--provider', PROVIDER, '--enrol-file', file]);
  await mustRun(enrolArguments(file));
  expect(await listed()).toBe(3);
});

const expectDone = async (program: Running): Promise<void> => {
  const code = await program.exited;
  expect(`${code}: ${program.err()}`).toMatch(/^0: (?:(?:recorded|enrolled) \d+ of 3000\n)*$/);
  expect(await listed()).toBe(FLEET);
  await expectSound();
};

describe('thousands of devices', () => {
  it('are enrolled beside a running gateway, which goes on acknowledging readings', async () => {
    await site.startGateway();
    const signer = createSigner('Ed25519', new Uint8Array(32).fill(77));
    const sender = new Sender('urn:dev:os:32473-reader', signer);
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    const program = startEnrolling(writeFleet());
    let worst = 0;
    let isOver = false;
    program.exited.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const sent = performance.now();
      await sender.send();
      worst = Math.max(worst, performance.now() - sent);
      await delay(5);
    }
    expect(await program.exited).toBe(0);
    expect(program.out()).toMatch(/fleet\.csv: 3000 device\(s\) enrolled in \d+\.\d s\n$/);
    for (const line of program.err().trimEnd().split('\n'))
      expect(line).toMatch(/^(?:recorded|enrolled) \d+ of 3000$/);
    expect(worst).toBeLessThan(WAITS_AT_MOST_MS);
    expect(await listed()).toBe(FLEET + 1);
    await sender.disconnect();
    await expectSound();
  });

  it('are none while the command that enrols them is killed half way, and all once it is run again', async () => {
    const file = writeFleet();
    for (const least of [1, 1_200]) {
      const program = startEnrolling(file);
      await until('enrolments under way', hasLogged(least));
      program.kill('SIGKILL');
      await program.exited;
      expect(await listed()).toBe(0);
      await expectSound();
    }
    const out = await mustRun(enrolArguments(file, '--skip-enrolled', '--json'));
    expect(JSON.parse(out)).toMatchObject({ outcome: 'done', enrolled: 0, skipped: FLEET, wrong: 0 });
    expect(await listed()).toBe(FLEET);
    await expectSound();
  });

  it('are all enrolled although the gateway that enrols them is killed half way', async () => {
    await site.startGateway();
    const program = startEnrolling(writeFleet());
    await until('enrolments under way', hasLogged(1_000));
    site.gateway.kill('SIGKILL');
    await site.gateway.exited;
    expect(await listed()).toBe(0);
    await site.startGateway();
    await expectDone(program);
  });

  it('are all enrolled although the gateway that enrols them is killed for good: the command takes over', async () => {
    await site.startGateway();
    const program = startEnrolling(writeFleet());
    await until('enrolments under way', hasLogged(1_000));
    site.gateway.kill('SIGKILL');
    await expectDone(program);
  });

  it('are none after Ctrl-C before they are decided', async () => {
    const program = startEnrolling(writeFleet());
    await until('a file that arrives', () => batch()?.state === 'arriving');
    program.kill('SIGINT');
    expect(await program.exited).toBe(1);
    expect(program.err()).toContain('fleet.csv: stopped; nothing was enrolled');
    expect([batch()?.state, await listed()]).toEqual(['cancelled', 0]);
  });

  it('are all enrolled after a Ctrl-C that comes too late', async () => {
    const program = startEnrolling(writeFleet());
    await until('enrolments under way', hasLogged(1));
    program.kill('SIGINT');
    expect({ code: await program.exited, err: program.err() }).toMatchObject({
      code: 0,
      err: expect.stringContaining('too late to stop: all of them are being enrolled'),
    });
    expect(await listed()).toBe(FLEET);
  });
});

describe('one wrong line', () => {
  it('and nothing is enrolled; against what is enrolled each line has its answer', async () => {
    const file = writeFleet(5);
    await mustRun(enrolArguments(file));
    const config = ['--config', site.config];
    await mustRun(['device', 'revoke', ...config, '--device', urn(1)]);
    await mustRun(['device', 'retire', ...config, '--device', urn(2)]);
    const rows = readFileSync(file, 'utf8').split('\r\n');
    const changed = [
      rows[0],
      rows[1],
      rows[2],
      rows[3],
      `${urn(3)},patient-x,${PROVIDER},${KEYS[3]}`,
      `${urn(4)},patient-4,${PROVIDER},${KEYS[100]}`,
      `${urn(5)},patient-5,${PROVIDER},${KEYS[4]}`,
      `${urn(6)},patient-6,${PROVIDER},${KEYS[6]}`,
    ];
    writeFileSync(file, changed.join('\n'));
    const said = async (...more: string[]) => {
      const { code, err } = await vitalseal(enrolArguments(file, ...more));
      return `${code}: ${err.replaceAll(site.directory, '<site>')}`;
    };
    expect(await said()).toMatchInlineSnapshot(`
      "2: <site>/fleet.csv: nothing was enrolled; 6 line(s) are wrong
      line 2: device: urn:dev:mac:000000000000 is enrolled already; --skip-enrolled passes over it
      line 3: device: urn:dev:mac:000000000001 is enrolled already, and revoked, for good
      line 4: device: urn:dev:mac:000000000002 is enrolled already, and this key is retired
      line 5: device: urn:dev:mac:000000000003 is enrolled already, for another patient
      line 6: device: urn:dev:mac:000000000004 is enrolled already, with another key; vitalseal device rotate gives it a new one
      line 7: key: is that of urn:dev:mac:000000000004; each device has its own
      "
    `);
    expect(await said('--skip-enrolled')).toMatchInlineSnapshot(`
      "2: <site>/fleet.csv: nothing was enrolled; 5 line(s) are wrong
      line 3: device: urn:dev:mac:000000000001 is enrolled already, and revoked, for good
      line 4: device: urn:dev:mac:000000000002 is enrolled already, and this key is retired
      line 5: device: urn:dev:mac:000000000003 is enrolled already, for another patient
      line 6: device: urn:dev:mac:000000000004 is enrolled already, with another key; vitalseal device rotate gives it a new one
      line 7: key: is that of urn:dev:mac:000000000004; each device has its own
      "
    `);
    expect(await listed()).toBe(5);
    const out = await vitalseal(enrolArguments(file, '--json'));
    expect(JSON.parse(out.out)).toMatchObject({ outcome: 'refused', enrolled: 0, wrong: 6 });
  });

  it('standard input is a file too; a hundred mistakes are told and the rest counted', async () => {
    const lines = Array.from({ length: 150 }, () => '{"device": "x"}').join('\n');
    const { code, err } = await vitalseal(enrolArguments('-', '--provider', PROVIDER), { input: lines });
    expect(code).toBe(2);
    const told = err.trimEnd().split('\n');
    expect(told).toHaveLength(102);
    expect(told[0]).toBe('standard input: nothing was enrolled; 150 line(s) are wrong');
    expect(told.at(-1)).toBe('and 50 more');
  });
});

describe('keys, while the gateway runs', () => {
  it('a rotation takes effect at once, a planned one at its time, a revocation at once', async () => {
    await site.startGateway();
    const [old, next] = [1, 2].map((seed) => createSigner('Ed25519', new Uint8Array(32).fill(seed)));
    if (old === undefined || next === undefined) throw new Error('no signers');
    const sender = new Sender('urn:dev:os:32473-7', old);
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    const device = ['--config', site.config, '--device', sender.urn];
    const key = site.file('next.key');
    writeFileSync(key, bytesToBase64(encodeCoseKey(next.publicKey)));
    const refused = (code: string) =>
      site.metric(`vitalseal_statements_total{verdict="reject",code="${code}"}`);
    await sender.send();

    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 15_000);
    const planned = await mustRun([
      'device',
      'rotate',
      ...device,
      '--key',
      key,
      '--effective',
      at.toISOString(),
    ]);
    expect(planned).toContain(`at ${at.toISOString()}; until then the key is taken`);
    await sender.send(); // the old key, still taken
    expect(await refused('retired-key')).toBe(0);
    expect(await mustRun(['device', 'show', sender.urn, '--config', site.config])).toContain(
      `to be retired ${at.toISOString()}`,
    );
    await delay(Math.max(0, at.getTime() - Date.now()));
    await until('the retirement', async () =>
      (await mustRun(['device', 'show', sender.urn, '--config', site.config])).includes(', retired '),
    );
    await sender.send();
    expect(await refused('retired-key')).toBe(1);

    const done = await mustRun([
      'device',
      'revoke',
      ...device,
      '--effective',
      '1h-ago',
      '--reason',
      'stolen',
    ]);
    expect(done).toMatch(/ {2}2 statement\(s\) of the device came after .* and stay in the log/);
    // Its connection is closed and it is let in no more; what it sends meanwhile stays with it.
    void sender.send().catch(() => undefined);
    await until(
      'its refusal at the door',
      async () => (await site.metric('vitalseal_connections_refused_total{reason="not-authorised"}')) > 0,
    );
    const trust = JSON.parse(await mustRun(['receipt', 'trust', '--config', site.config])) as {
      deviceKeys: { revokedAt?: number }[];
    };
    for (const { revokedAt } of trust.deviceKeys) expect(revokedAt).toBeLessThan(Date.now() / 1000 - 3_500);
    await sender.disconnect();
    await expectSound();
  });
});

it('the example of docs/operations.md is enrolled as it stands', async () => {
  const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
  const [, csv = ''] = /^```csv\n([\s\S]*?)^```$/m.exec(page) ?? [];
  const [, jsonl = ''] = /^```jsonl\n([\s\S]*?)^```$/m.exec(page) ?? [];
  site.amend(({ providers }) => ({
    providers: (providers as object[]).map((provider) => ({ ...provider, id: 'st-mary' })),
  }));
  writeFileSync(site.file('fleet.csv'), csv);
  writeFileSync(site.file('fleet.jsonl'), jsonl);
  await mustRun(enrolArguments(site.file('fleet.csv')));
  await mustRun(enrolArguments(site.file('fleet.jsonl')));
  expect(await listed()).toBe(csv.trimEnd().split('\n').length - 1 + jsonl.trimEnd().split('\n').length);
});
