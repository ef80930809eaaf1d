/**
 * A gateway behind mosquitto: either is killed with SIGKILL in mid-stream, again and again. Nothing that a device sent is lost,
 * nothing is logged twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../device-sim/device.ts';
import { acknowledgedBy } from '../device-sim/index.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { entryOf, expectEachOnce } from './support/each-once.ts';
import { missingNote } from './support/installed.ts';
import { Mosquitto } from './support/mosquitto.ts';
import { heartRate, Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const note = missingNote(['mosquitto']);
const KILLS = 6;
/** Far below what a test may take; a device of flesh and blood waits longer. */
const ANSWER_WITHIN_MS = 1_500;
const PAUSE_MS = 10;
const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];

let site: Site;
let mosquitto: Mosquitto;
const devices: Device[] = [];
const senders: Sender[] = [];

/** mosquitto as Debian starts it saves every half hour: killed, it has forgotten all it took. */
async function begin(...lines: string[]): Promise<void> {
  mosquitto = await Mosquitto.start(['allow_anonymous true', ...lines]);
  site.amend(() => ({
    mqtt: { enabled: false },
    brokers: [{ name: 'ward', url: mosquitto.url }],
  }));
}

async function startGateway(): Promise<void> {
  await site.startGateway();
  await until('connection to mosquitto', async () => (await connections()) === 1);
}

async function connections(): Promise<number> {
  return site.metric('vitalseal_broker_connections{broker="ward"}');
}

/** Devices that keep what they measure until the gateway itself has answered. */
async function openDevices(): Promise<void> {
  for (const [at, algorithm] of ALGORITHMS.entries()) {
    const device = await Device.open({
      folder: site.file(`device-${at}`),
      fresh: () => ({
        urn: `urn:dev:mac:0024befffe80eb0${at}`,
        algorithm,
        secretKey: new Uint8Array(32).fill(at + 1),
      }),
      keepUntil: 'gateway',
      answerWithinMs: ANSWER_WITHIN_MS,
    });
    devices.push(device);
  }
  await site.enrol(...devices.map(({ urn, store }) => ({ urn, signer: store.signer })));
  for (const device of devices) device.connect({ url: mosquitto.url });
}

/** A statement every few milliseconds, whether the one before was acknowledged or not. */
async function load(sender: Sender, stop: AbortSignal): Promise<void> {
  const sent: Promise<void>[] = [];
  while (!stop.aborted) {
    const seq = await sender.sign();
    sent.push(sender.publish(seq));
    await delay(PAUSE_MS);
  }
  await Promise.all(sent);
}

async function record(device: Device, count: number, pauseMs = 0): Promise<void> {
  for (let beat = 0; beat < count; beat++) {
    await device.record({
      subject: 'vitals',
      payload: heartRate(60 + (beat % 40)),
      issuedAt: Date.now() / 1000,
    });
    if (pauseMs > 0) await delay(pauseMs);
  }
}

/** Everything ever recorded is in the log, once, and the store agrees with itself. */
async function expectWhole(): Promise<void> {
  const { log } = await site.status();
  const entries = await until('checkpoint over everything', async () => {
    const sealed = await site.sealedEntries();
    return sealed.length >= log.size && sealed;
  });
  expect(new Set(entries).size).toBe(entries.length);
  for (const [at, device] of devices.entries()) {
    const acknowledged = await acknowledgedBy(site.file(`device-${at}`));
    expect(acknowledged).toHaveLength(device.nextSeq);
    for (let seq = 0; seq < device.nextSeq; seq++) {
      const statement = await device.store.read({ boot: 0, seq });
      expect(entries).toContain(entryOf(statement ?? new Uint8Array()));
    }
  }
  expect(await vitalseal(['fsck', '--config', site.config])).toMatchObject({ code: 0 });
}

beforeEach(async () => {
  site = await Site.create();
}, 60_000);

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close().catch(() => undefined);
  for (const sender of senders.splice(0)) await sender.disconnect();
  await endPrograms();
  await mosquitto?.remove();
  site?.remove();
}, 60_000);

describe.skipIf(note !== '')(`behind mosquitto${note}`, () => {
  it(`the gateway is killed ${KILLS} times in mid-stream: what the broker took is in the log once`, async () => {
    await begin();
    for (const [at, algorithm] of ALGORITHMS.entries()) {
      const signer = createSigner(algorithm, new Uint8Array(32).fill(at + 1));
      senders.push(new Sender(`urn:dev:mac:0024befffe80ea0${at}`, signer));
    }
    await site.enrol(...senders);
    await startGateway();
    for (const sender of senders) await sender.connect(mosquitto.url);
    const stop = new AbortController();
    const loads = senders.map((sender) => load(sender, stop.signal));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await site.status()).log.size;
      await until('progress', async () => (await site.status()).log.size > before + 20);
      site.gateway.kill('SIGKILL');
      await site.gateway.exited;
      await startGateway();
    }
    stop.abort();
    await Promise.all(loads);
    const redelivered = 'vitalseal_broker_messages_total{broker="ward",event="redelivered"}';
    const sent = senders.reduce((sum, { statements }) => sum + statements.length, 0);
    await until(
      'everything in the log',
      async () => (await site.status()).log.size >= sent && (await site.metric(inFlight)) === 0,
    );
    expect(await site.metric(redelivered)).toBeGreaterThan(0);
    await expectEachOnce(site, senders);
    expect(senders.map(({ acknowledged, statements }) => acknowledged.size - statements.length)).toEqual([
      0, 0, 0,
    ]);
  });

  it(`mosquitto is killed ${KILLS} times in mid-stream, the gateway with it every other time`, async () => {
    await begin('autosave_interval 1800');
    await startGateway();
    await openDevices();
    const loads = devices.map((device) => record(device, 400, 20));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await site.status()).log.size;
      await until('progress', async () => (await site.status()).log.size > before + 20);
      await mosquitto.kill();
      if (kill % 2 === 1) {
        site.gateway.kill('SIGKILL');
        await site.gateway.exited;
      }
      await mosquitto.restart();
      if (kill % 2 === 1) await startGateway();
    }
    await Promise.all(loads);
    await Promise.all(devices.map((device) => device.drained()));
    await expectWhole();
  });

  it('what a killed mosquitto had acknowledged and forgot comes again from the devices', async () => {
    await begin('autosave_interval 1800');
    await startGateway();
    await openDevices();
    await Promise.all(devices.map((device) => record(device, 10)));
    await Promise.all(devices.map((device) => device.drained()));
    site.gateway.kill('SIGTERM');
    await site.gateway.exited;
    const witness = await connectAsync(mosquitto.url);
    let seen = 0;
    witness.on('message', () => {
      seen += 1;
    });
    await witness.subscribeAsync('wearables/+/statements', { qos: 1 });
    await Promise.all(devices.map((device) => record(device, 20)));
    await until('statements in the broker', () => seen >= 60);
    await witness.endAsync(true);
    await mosquitto.kill();
    expect(devices.map((device) => device.pending)).toEqual([20, 20, 20]);
    await mosquitto.restart();
    await startGateway();
    await Promise.all(devices.map((device) => device.drained()));
    await expectWhole();
  });
});

const inFlight = 'vitalseal_broker_in_flight_statements{broker="ward"}';
