import { copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { type CheckOptions, checkStore } from './check-store.ts';
import { REMEDIES } from './findings.ts';
import { formatReport } from './report.ts';
import { layGround } from './testing/damage.ts';
import type { LivedIn } from './testing/lived-in.ts';
import { Scene, TestDevice, type TestFolder } from './testing/scene.ts';

const ground = layGround();
let folder: TestFolder;
let lived: LivedIn;
beforeAll(() => {
  ({ folder, lived } = ground());
});

const ids = async (options: CheckOptions): Promise<string[]> =>
  (await checkStore(options)).findings.map(({ id }) => id);

describe('a store that nobody touched', () => {
  test('agrees throughout, every signature included', async () => {
    const report = await checkStore({ config: lived.config });
    expect(report.findings).toEqual([]);
    expect(report.chain).toBe('not-configured');
    expect(formatReport(report)).toMatchInlineSnapshot(`
      "checked: entries 613, signatures 616, full tiles 2, checkpoints 3, owner keys 5, devices 5, device keys 6, sequences 6, gaps 3, anchors 3, delivery cursors 1, delivery batches 3, refusals 4
      chain: none configured, nothing to compare with

      everything agrees
      "
    `);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('agrees when signatures are skipped, and says that they were', async () => {
    const report = await checkStore({ config: lived.config, fast: true });
    expect(report.findings).toEqual([]);
    expect(report.checked.signatures).toBe(0);
    expect(formatReport(report)).toContain('signatures: NOT verified (fast)');
  });

  test('an empty store agrees', async () => {
    const scene = new Scene(folder.config());
    await scene.store.close();
    expect(await ids({ config: scene.config })).toEqual([]);
  });

  test('a patient who was erased leaves hashes that agree and bytes that are gone', async () => {
    const config = await folder.damaged(lived.config, (db) =>
      db.exec("UPDATE owners SET wrapped = NULL WHERE name = 'ben'"),
    );
    const report = await checkStore({ config });
    expect(report.findings).toEqual([]);
    expect(report.checked.erased).toBe(37);
  });

  test('may be checked while the gateway goes on writing: one moment is seen', async () => {
    const scene = new Scene(folder.config());
    const device = new TestDevice(70);
    await scene.enrol(device, 'eve');
    await scene.send(device, 300);
    await scene.store.log.sealer.seal(undefined);
    const writing: Promise<unknown>[] = [];
    let sending: Promise<unknown> = Promise.resolve(); // one device numbers one statement after another
    const send = () => {
      sending = sending.then(() => scene.send(device, 20));
      return sending;
    };
    const report = await checkStore({
      config: scene.config,
      fast: true,
      onProgress: () => writing.push(send(), scene.store.log.sealer.seal(undefined)),
    });
    await Promise.all(writing);
    expect(report.findings).toEqual([]);
    expect(report.checked.entries).toBeLessThan(await scene.store.log.reader.size());
    expect(await ids({ config: scene.config, fast: true })).toEqual([]);
    await scene.store.close();
  });

  test('a copy made of a gateway that was killed, its -wal beside it, is read to the last commit', async () => {
    const scene = new Scene(folder.config());
    const device = new TestDevice(72);
    await scene.enrol(device, 'eve');
    await scene.send(device, 50);
    const copy = folder.config();
    for (const name of ['gateway.db', 'gateway.db-wal'])
      copyFileSync(join(scene.config.dataDir, name), join(copy.dataDir, name));
    const before = readFileSync(join(copy.dataDir, 'gateway.db'));
    const report = await checkStore({ config: copy, fast: true });
    expect(report).toMatchObject({ findings: [], checked: { entries: 51 } });
    expect(readFileSync(join(copy.dataDir, 'gateway.db'))).toEqual(before);
    await scene.store.close();
  });

  test('a device that was suspended for equivocation an instant ago agrees: its event waits', async () => {
    const scene = new Scene(folder.config());
    const device = new TestDevice(71);
    await scene.enrol(device, 'eve');
    await scene.send(device, 3);
    device.seq -= 1;
    const verdict = await scene.submit(device.urn, await device.state(scene.clock.now(), 'another'));
    expect(verdict).toMatchObject({ code: 'equivocation' });
    expect(scene.store.log.registry.device(device.urn)?.status).toBe('suspended');
    expect(await ids({ config: scene.config, fast: true })).toEqual([]);
    await scene.store.log.deviceEvents.process();
    expect(await ids({ config: scene.config, fast: true })).toEqual([]);
    await scene.store.close();
  });
});

describe('files that are not a store', () => {
  test('a missing store is an error that says what to do', async () => {
    const failure = await checkStore({ config: folder.config() }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GatewayError);
    expect((failure as GatewayError).message.replace(folder.path, '')).toMatch(
      /^there is no store in .*: gateway\.db is missing; check dataDir in the configuration$/,
    );
  });

  test('a file that is no database', async () => {
    const config = folder.config();
    writeFileSync(join(config.dataDir, 'gateway.db'), 'x'.repeat(8192));
    expect(await ids({ config })).toEqual(['database-damaged']);
  });

  test('pages overwritten in the middle', async () => {
    const config = await folder.damaged(lived.config, () => undefined);
    const file = openSync(join(config.dataDir, 'gateway.db'), 'r+');
    for (const page of [40, 41, 42, 43]) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
    const found = await ids({ config, fast: true });
    expect(found).toContain('database-damaged');
  });

  test('a table that is missing ends the check', async () => {
    const config = await folder.damaged(lived.config, (db) => db.exec('DROP TABLE gaps'));
    const { findings, checked } = await checkStore({ config });
    expect(findings.map(({ id, detail }) => `${id}: ${detail}`)).toEqual([
      'database-schema-wrong: table gaps is missing',
    ]);
    expect(checked.entries).toBe(0);
  });
});

describe('keys that are not the store’s', () => {
  test('another master key: every owner is named once, the tree is checked nevertheless', async () => {
    const masterKeyFile = join(folder.path, 'other.key');
    writeFileSync(masterKeyFile, '00'.repeat(32));
    const config = { ...lived.config, keys: { ...lived.config.keys, masterKeyFile } };
    const report = await checkStore({ config, fast: true });
    expect(new Set(report.findings.map(({ id }) => id))).toEqual(new Set(['owner-key-unreadable']));
    expect(report.findings).toHaveLength(report.checked.owners);
    expect(report.checked.tiles).toBe(2);
  });

  test('another log key: what it signed is foreign, and the same finding is not repeated for ever', async () => {
    const logKeyFile = join(folder.path, 'other-log.key');
    writeFileSync(logKeyFile, '01'.repeat(32));
    const config = { ...lived.config, keys: { ...lived.config.keys, logKeyFile } };
    const report = await checkStore({ config });
    const found = Map.groupBy(report.findings, ({ id }) => id);
    expect(found.get('log-statement-foreign')?.length).toBeGreaterThan(5);
    expect(found.get('checkpoint-note-bad')).toHaveLength(3);
    expect(found.get('statement-key-unknown')).toHaveLength(20);
    expect(report.omitted['statement-key-unknown']).toBeGreaterThan(400);
    expect(formatReport(report)).toContain(`  - and ${report.omitted['statement-key-unknown']} more\n`);
  });
});

test('the check ends when its caller gives up', async () => {
  const reason = new Error('enough');
  const check = checkStore({ config: lived.config, signal: AbortSignal.abort(reason) });
  await expect(check).rejects.toBe(reason);
});

test('every finding says what to do in a whole sentence', () => {
  for (const remedy of Object.values(REMEDIES)) expect(remedy).toMatch(/^[A-Z].*[.]$/);
});
