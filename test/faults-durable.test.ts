/**
 * No PUBACK leaves before its statement is durable, seen from outside: strace writes down what a running gateway writes and
 * syncs, and in which order. Of every PUBACK it must be true that the frame of the WAL with its statement's entry was written,
 * and an fsync of the WAL that began after that had ended well, before the write of the PUBACK began.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms, runProgram, VITALSEAL } from './support/command.ts';
import { entryOf } from './support/each-once.ts';
import { attachStrace } from './support/faults/strace.ts';
import { acknowledgements, readTrace } from './support/faults/trace-order.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const CALLS = 'pwrite64,fsync,fdatasync,read,readv,recvfrom,write,writev,sendto,sendmsg';
/** -yy names files and sockets; -xx and a length beyond any packet show every byte. */
const EVERY_BYTE = ['-yy', '-xx', '-s', '300000', '-e', `trace=${CALLS}`];
const SYNCS = ['-y', '-e', 'trace=fsync,fdatasync'];
const OPAQUE = 42;
const LONG_BYTES = 1_500;
const UNSAFE = 3;
const ALONE = 20;
const TOGETHER = 60;
const note = missingNote(['strace']);

describe.skipIf(note !== '')(`the order of fsync and PUBACK${note}`, () => {
  let site: Site;
  const sender = new Sender(
    'urn:dev:mac:0024befffe80fc01',
    createSigner('Ed25519', new Uint8Array(32).fill(12)),
  );

  beforeAll(async () => {
    site = await Site.create();
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
  }, 60_000);

  afterAll(async () => {
    await sender.disconnect();
    await endPrograms();
    site?.remove();
  }, 60_000);

  it('is fsync first, for statements one by one and many in flight', async () => {
    const trace = await attachStrace(site.gateway.pid, site.file('order'), EVERY_BYTE);
    for (let reading = 0; reading < ALONE; reading++) await sender.send();
    for (let reading = 0; reading < TOGETHER; reading++) await sender.sign();
    await Promise.all(Array.from({ length: TOGETHER }, (_, at) => sender.publish(ALONE + at)));
    const events = readTrace(await trace.detach(), ['gateway.db-wal']);
    const found = acknowledgements(events, sender.statements.map(entryOf));
    expect(found.map(({ entry }) => entry).toSorted()).toEqual(sender.statements.map(entryOf).toSorted());
    expect(found.filter(({ durable }) => !durable)).toEqual([]);
  });

  /**
   * After a failed fsync the kernel takes its pages for clean: they can be read, are on no disk, and no later fsync writes them.
   * A gateway that finds statements in such a WAL may call them known only once it has written them again itself.
   */
  it('is fsync first for what an earlier process wrote and could not sync', async () => {
    const trace = await attachStrace(site.gateway.pid, site.file('failing'), [
      ...['-e', 'trace=fsync,fdatasync', '-P', `${site.dataDirectory}/gateway.db-wal`],
      ...['-e', 'inject=fsync,fdatasync:error=EIO'],
    ]);
    // Each fills a good part of a page, or what is logged next would happen to write them again beside it.
    const fields = { contentType: OPAQUE, payload: new Uint8Array(LONG_BYTES) };
    const signed: number[] = [];
    while (signed.length < TOGETHER) signed.push(await sender.sign(fields));
    const pending = signed.map((seq) => sender.publish(seq));
    expect(await site.gateway.exited).toBe(UNSAFE);
    await trace.detach();
    const before = new Set(sender.acknowledged);
    const file = site.file('restart');
    // The tracer is the grandchild: what is started here is the gateway.
    await site.startGateway({ under: ['strace', '-D', '-f', ...EVERY_BYTE, '-o', file] });
    await Promise.all(pending);
    await until('the trace', () => readFileSync(file, 'latin1').length > 0);
    site.gateway.kill('SIGTERM');
    await site.gateway.exited;
    const late = sender.statements.filter((_, seq) => !before.has(seq)).map(entryOf);
    const events = readTrace(readFileSync(file, 'latin1'), ['gateway.db-wal', 'gateway.db']);
    const found = acknowledgements(events, late);
    expect(found.map(({ entry }) => entry).toSorted()).toEqual(late.toSorted());
    expect(found.filter(({ durable }) => !durable)).toEqual([]);
  });
});

describe.skipIf(note !== '')(`a new installation${note}`, () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.create();
  }, 60_000);

  afterAll(async () => {
    await endPrograms();
    site?.remove();
  }, 60_000);

  it('is on the disk, files and names, before anything is acknowledged under its keys', async () => {
    const made = site.file('another');
    const init = [process.execPath, VITALSEAL, 'init', made, '--origin', 'clinic.example/another'];
    const { code } = await runProgram('strace', ['-f', ...SYNCS, '-o', site.file('init'), ...init]);
    expect(code).toBe(0);
    const files = readdirSync(made).map((name) => join(made, name));
    expect(files).toContain(join(made, 'master-key'));
    expect(syncedIn(site.file('init'))).toEqual(expect.arrayContaining([...files, made, site.directory]));

    await site.startGateway({ under: ['strace', '-D', '-f', ...SYNCS, '-o', site.file('first')] });
    const synced = syncedIn(site.file('first'));
    expect(synced).toEqual(expect.arrayContaining([dirname(site.dataDirectory), site.dataDirectory]));
  });
});

/** What was synced without a failure, by path. */
function syncedIn(file: string): string[] {
  const calls = readFileSync(file, 'utf8').matchAll(/f(?:data)?sync\(\d+<([^>]*)>\) *= 0/g);
  return [...calls].map(([, path = '']) => path);
}
