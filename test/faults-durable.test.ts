/**
 * No PUBACK leaves before its statement is durable, seen from outside: strace writes down what a running gateway writes and
 * syncs, and in which order. Of every PUBACK it must be true that the frame of the WAL with its statement's entry was written,
 * and an fsync of the WAL that began after that had ended well, before the write of the PUBACK began.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms } from './support/command.ts';
import { entryOf } from './support/each-once.ts';
import { attachStrace } from './support/faults/strace.ts';
import { acknowledgements, readTrace } from './support/faults/trace-order.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';

const CALLS = 'pwrite64,fsync,fdatasync,read,readv,recvfrom,write,writev,sendto,sendmsg';
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
    // -yy names files and sockets; -xx and a length beyond any packet show every byte.
    const options = ['-yy', '-xx', '-s', '300000', '-e', `trace=${CALLS}`];
    const trace = await attachStrace(site.gateway.pid, site.file('order'), options);
    for (let reading = 0; reading < ALONE; reading++) await sender.send();
    for (let reading = 0; reading < TOGETHER; reading++) await sender.sign();
    await Promise.all(Array.from({ length: TOGETHER }, (_, at) => sender.publish(ALONE + at)));
    const events = readTrace(await trace.detach(), 'gateway.db-wal');
    const found = acknowledgements(events, sender.statements.map(entryOf));
    expect(found.map(({ entry }) => entry).toSorted()).toEqual(sender.statements.map(entryOf).toSorted());
    expect(found.filter(({ durable }) => !durable)).toEqual([]);
  });
});
