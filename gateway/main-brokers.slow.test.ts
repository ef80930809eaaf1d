/** A whole gateway that takes statements from an existing broker, beside its own or instead of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { decodeCbor } from '../src/cbor.ts';
import { endPrograms } from '../test/support/command.ts';
import { freePort } from '../test/support/free-port.ts';
import { missingNote } from '../test/support/installed.ts';
import { Mosquitto } from '../test/support/mosquitto.ts';
import { makeFolder } from './testing/folder.ts';
import { GatewayBench, TOKENS } from './testing/gateway-bench.ts';
import { PUBACK, publishPacket } from './testing/raw-mqtt.ts';
import { Wearable } from './testing/wearable.ts';

const note = missingNote(['mosquitto']);
const cleanups: (() => Promise<unknown>)[] = [];
const eventually = (probe: () => void | Promise<void>) =>
  vi.waitFor(probe, { timeout: 20_000, interval: 20 });

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(endPrograms);

async function start(changes: Record<string, unknown>): Promise<GatewayBench> {
  const bench = await GatewayBench.start(changes);
  cleanups.push(() => bench.close());
  return bench;
}

async function statusOf(bench: GatewayBench): Promise<Record<string, unknown>[]> {
  const response = await bench.get('/v1/status', TOKENS.admin);
  return ((await response.json()) as { brokers: Record<string, unknown>[] }).brokers;
}

const readings = (bench: GatewayBench) => bench.count('entries', "kind = 'statement'");

test('a broker that is away shows, and makes nobody restart the gateway', async () => {
  const url = `mqtt://127.0.0.1:${await freePort()}`;
  const bench = await start({ brokers: [{ name: 'ward', url }] });
  await eventually(async () => {
    expect(await statusOf(bench)).toMatchObject([
      { name: 'ward', url, connected: 0, sessions: [{ lastError: expect.stringContaining('ECONNREFUSED') }] },
    ]);
  });
  expect(await bench.metric('vitalseal_broker_connections{broker="ward"}')).toBe(0);
  expect((await bench.get('/health')).status).toBe(200);
});

test('a password file that is missing is told at the start', async () => {
  const folder = makeFolder();
  const url = 'mqtt://127.0.0.1:1';
  const brokers = [{ name: 'ward', url, username: 'gateway', passwordFile: 'no-such-file' }];
  await expect(GatewayBench.start({ brokers }, folder)).rejects.toMatchObject({
    code: 'key-unreadable',
    message: `brokers ward passwordFile: cannot read ${join(folder.path, 'no-such-file')}`,
  });
  folder.remove();
});

test.skipIf(note !== '')(`statements of both brokers are one log${note}`, async () => {
  const mosquitto = await Mosquitto.start();
  cleanups.push(() => mosquitto.remove());
  const folder = makeFolder();
  writeFileSync(join(folder.path, 'password'), 'secret\n');
  const brokers = [{ name: 'ward', url: mosquitto.url, username: 'gateway', passwordFile: 'password' }];
  const bench = await GatewayBench.start({ brokers }, folder);
  cleanups.push(async () => {
    await bench.stop();
    folder.remove();
  });
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const client: MqttClient = await connectAsync(mosquitto.url, { protocolVersion: 4 });
  cleanups.push(() => client.endAsync(true));
  const heard = new Map<string, Buffer>();
  client.on('message', (topic, payload) => heard.set(topic, payload));
  await client.subscribeAsync('wearables/+/requests', { qos: 1 });
  const topic = `wearables/${wearable.urn}/statements`;
  const [first, , third] = await wearable.skip(3);
  const link = await bench.join(wearable);
  link.send(publishPacket(topic, first as Uint8Array));
  await link.receive(PUBACK);
  await client.publishAsync(topic, Buffer.from(third as Uint8Array), { qos: 1 });
  await client.publishAsync(topic, Buffer.from(first as Uint8Array), { qos: 1 });
  await eventually(() => expect(readings(bench)).toBe(2));
  // What is missing is asked for wherever the device may listen.
  await eventually(() =>
    expect(decodeCbor(heard.get(`wearables/${wearable.urn}/requests`) ?? Buffer.alloc(0))).toEqual(
      new Map([['resend', [[0, 1, 1]]]]),
    ),
  );
  const messages = (event: string) =>
    bench.metric(`vitalseal_broker_messages_total{broker="ward",event="${event}"}`);
  await eventually(async () => expect(await messages('received')).toBe(2));
  expect(await messages('bad-topic')).toBe(0);
  expect(await bench.metric('vitalseal_broker_connections{broker="ward"}')).toBe(1);
  expect(bench.logger.text()).not.toContain('secret');
  link.destroy();
});

test('without its own broker a gateway listens for HTTP alone', async () => {
  const port = await freePort();
  const brokers = [{ name: 'ward', url: `mqtt://127.0.0.1:${await freePort()}` }];
  const bench = await start({ mqtt: { enabled: false, port }, brokers });
  expect(bench.gateway.mqttPort).toBe(0);
  await expect(connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })).rejects.toThrow(
    'ECONNREFUSED',
  );
  expect((await bench.get('/health')).status).toBe(200);
});
