/**
 * A disk on which every fsync takes long, as on an SD card: readings wait for it, in groups, and nothing else does.
 *
 * Seen from outside: strace holds each fsync of a running gateway up, on whichever thread it is made.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PINGREQ_PACKET, PINGRESP, RawMqtt } from '../gateway/testing/raw-mqtt.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms } from './support/command.ts';
import { expectEachOnce } from './support/each-once.ts';
import { attachStrace, type Trace } from './support/faults/strace.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const FSYNC_MS = 300;
const SENDERS = 4;
const STATEMENTS_EACH = 120;
const IN_FLIGHT_EACH = 16;
/** What takes longer has waited for something. */
const STALLED_MS = FSYNC_MS / 5;
/** Share of the time that may be spent in such waits, for a machine that is busy with other things. Commits take nearly all of it. */
const STALLED_AT_MOST = 1 / 5;

const note = missingNote(['strace']);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Does something again and again until `isOver`; how long each took, in milliseconds. */
async function timeEach(isOver: () => boolean, act: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const started = performance.now();
    await act();
    times.push(performance.now() - started);
  }
  return times;
}

/**
 * Share of the time that went into calls which were stalled. One after another they fill the time, so it is the time that counts:
 * of their number nearly all fall between the stalls.
 */
function stalledShare(times: readonly number[]): number {
  const sum = (some: readonly number[]): number => some.reduce((total, time) => total + time, 0);
  return sum(times.filter((time) => time > STALLED_MS)) / sum(times);
}

/** Publishes what is signed, so many in flight; how long each waited for its PUBACK. */
async function publishAll(sender: Sender): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const publish = async (): Promise<void> => {
    while (next < sender.statements.length) {
      const seq = next++;
      const started = performance.now();
      await sender.publish(seq);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT_EACH }, publish));
  return times;
}

describe.skipIf(note !== '')(`a disk whose fsync takes ${FSYNC_MS} ms${note}`, () => {
  let site: Site;
  let senders: Sender[];
  let trace: Trace;

  beforeEach(async () => {
    site = await Site.create();
    senders = Array.from(
      { length: SENDERS },
      (_, at) =>
        new Sender(
          `urn:dev:mac:0024befffe80c0${at}0`,
          createSigner('Ed25519', new Uint8Array(32).fill(at + 1)),
        ),
    );
    // Signed before: this process must not be busy while it measures.
    for (const sender of senders) for (let seq = 0; seq < STATEMENTS_EACH; seq++) await sender.sign();
    await site.enrol(...senders);
    await site.startGateway();
    for (const sender of senders) await sender.connect(site.gateway.mqttUrl);
    await senders[0]?.publish(0);
    await until('a receipt', async () => (await site.get(receiptPath())).status === 200);
    trace = await attachStrace(site.gateway.pid, site.file('trace'), [
      ...['-e', 'trace=fsync,fdatasync'],
      ...['-e', `inject=fsync,fdatasync:delay_enter=${FSYNC_MS * 1000}`],
    ]);
  }, 120_000);

  /** Of the first statement. */
  const receiptPath = (): string => `/v1/devices/${senders[0]?.urn}/statements/0/receipt`;

  afterEach(async () => {
    for (const sender of senders) await sender.disconnect();
    await endPrograms();
    site.remove();
  }, 60_000);

  afterAll(endPrograms);

  it('keeps readings waiting, and keep-alives and the API not', async () => {
    let isOver = false;
    const device = await RawMqtt.join(Number(new URL(site.gateway.mqttUrl).port), {
      clientId: 'pings',
      username: senders[0]?.urn ?? '',
    });
    const pings = timeEach(
      () => isOver,
      async () => {
        device.send(PINGREQ_PACKET);
        await device.receive(PINGRESP);
      },
    );
    const health = timeEach(
      () => isOver,
      () => site.get('/health'),
    );
    const status = timeEach(
      () => isOver,
      () => site.status(),
    );
    const receipt = timeEach(
      () => isOver,
      () => site.get(receiptPath()),
    );
    const acknowledged = (await Promise.all(senders.map(publishAll))).flat();
    isOver = true;
    const stalled = {
      pings: stalledShare(await pings),
      health: stalledShare(await health),
      status: stalledShare(await status),
      receipt: stalledShare(await receipt),
    };
    device.destroy();
    const fsyncs = (await trace.detach())
      .split('\n')
      .filter((line) => /f(data)?sync\(.*= 0/.test(line) || /f(data)?sync resumed/.test(line)).length;

    expect(acknowledged).toHaveLength(SENDERS * STATEMENTS_EACH);
    expect(median(acknowledged)).toBeGreaterThan(FSYNC_MS); // or nothing was slow
    expect(Math.max(...Object.values(stalled)), JSON.stringify(stalled)).toBeLessThan(STALLED_AT_MOST);
    expect(fsyncs).toBeGreaterThan(0);
    expect(acknowledged.length / fsyncs).toBeGreaterThan(5); // in groups
    await expectEachOnce(site, senders);
  });
});
