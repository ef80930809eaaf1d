/** Against mosquitto as Debian has it, and a real log: what is taken, what is acknowledged, and what stays with the broker. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { connect, connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../../src/cbor.ts';
import { endPrograms, runProgram } from '../../../test/support/command.ts';
import { missingNote } from '../../../test/support/installed.ts';
import { Mosquitto } from '../../../test/support/mosquitto.ts';
import { openssl } from '../../../test/support/openssl.ts';
import { GatewayError } from '../../errors.ts';
import type { Inbound, Intake, Verdict } from '../../ports.ts';
import { openDatabase } from '../../store/database.ts';
import { makeFolder, type TestFolder } from '../../testing/folder.ts';
import { LogBench } from '../../testing/log-bench.ts';
import { spoil, Wearable } from '../../testing/wearable.ts';
import type { Credentials } from './broker-connection.ts';
import { ExternalBroker, type ExternalBrokerOptions } from './external-broker.ts';

const note = missingNote(['mosquitto']);
const secureNote = missingNote(['mosquitto', 'mosquitto_passwd', 'openssl']);
const CONNECTIONS_MAX = 6;

let bench: LogBench;
let mosquitto: Mosquitto;
let publisher: MqttClient;
let wearable: Wearable;
const brokers: ExternalBroker[] = [];
const clients: MqttClient[] = [];

/** A machine that does much else at the time gets long to come to the same. */
const eventually = (probe: () => void | Promise<void>) =>
  vi.waitFor(probe, { timeout: 20_000, interval: 20 });
const topicOf = (device: Wearable) => `wearables/${device.urn}/statements`;
const readings = () => bench.count('entries', "kind = 'statement'");
const plain: Intake = {
  submit: (inbound) => bench.intake.submit(inbound),
  room: () => undefined,
};

function open(changes: Partial<ExternalBrokerOptions> = {}): ExternalBroker {
  const broker = new ExternalBroker({
    name: 'ward',
    url: mosquitto.url,
    group: 'test',
    connections: 1,
    connectionsMax: CONNECTIONS_MAX,
    receiveMaximum: 100,
    maxPacketBytes: 16_384,
    sessionExpirySeconds: 3600,
    answers: true,
    credentials: () => ({}),
    intake: plain,
    clock: bench.clock,
    logger: bench.logger,
    ...changes,
  });
  brokers.push(broker);
  broker.start();
  return broker;
}

async function opened(changes: Partial<ExternalBrokerOptions> = {}): Promise<ExternalBroker> {
  const broker = open(changes);
  await eventually(() => expect(broker.view().connected).toBe(changes.connections ?? 1));
  return broker;
}

async function join(options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(mosquitto.url, { protocolVersion: 4, ...options });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** Publishes in order; resolves at the broker's PUBACKs. */
async function publish(device: Wearable, statements: readonly Uint8Array[]): Promise<void> {
  await Promise.all(
    statements.map((bytes) => publisher.publishAsync(topicOf(device), Buffer.from(bytes), { qos: 1 })),
  );
}

afterAll(endPrograms); // also after a test that could not clean up

beforeEach(async () => {
  bench = new LogBench();
  wearable = new Wearable(1);
  await bench.enrol(wearable);
});

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
  for (const client of clients.splice(0)) await client.endAsync(true);
  await mosquitto?.remove();
  await bench.close();
});

describe.skipIf(note !== '')(`statements through mosquitto${note}`, () => {
  beforeEach(async () => {
    mosquitto = await Mosquitto.start();
    publisher = await join();
  });

  test('of several devices are in the log in order, and the broker has nothing left', async () => {
    const devices = [wearable, new Wearable(2), new Wearable(3)];
    for (const device of devices.slice(1)) await bench.enrol(device);
    const broker = await opened();
    for (let round = 0; round < 20; round++)
      for (const device of devices) await publish(device, [await device.next()]);
    await eventually(() => expect(readings()).toBe(60));
    await eventually(() =>
      expect(broker.view()).toMatchObject({ received: 60, inFlight: 0, redelivered: 0 }),
    );
    expect(bench.verdicts).toEqual(Array(60).fill(expect.objectContaining({ kind: 'accept', flags: [] })));
    await broker.close();
    // A new start is sent nothing: everything was acknowledged.
    const again = await opened();
    await publish(wearable, [await wearable.next()]);
    await eventually(() => expect(again.view()).toMatchObject({ received: 1, redelivered: 0 }));
  });

  test('wait at the broker while there is no gateway, and a broker that is away is only waited for', async () => {
    await (await opened()).close();
    await publish(wearable, await wearable.skip(300));
    expect(readings()).toBe(0);
    await mosquitto.stop();
    const broker = open();
    await eventually(() => expect(broker.view().sessions[0]?.lastError).toMatch(/ECONNREFUSED/));
    await mosquitto.restart();
    await eventually(() => expect(readings()).toBe(300));
    expect(bench.gaps).toEqual([]);
  });

  test('are many in flight on one connection, and none is acknowledged before its verdict', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        await gate.promise;
        return bench.intake.submit(inbound);
      },
    };
    const broker = await opened({ intake: gated });
    const statements = await wearable.skip(80);
    await publish(wearable, statements);
    await eventually(() => expect(broker.view().inFlight).toBe(80));
    // The broker must hold every one of them still, and so sends every one again on the next connection.
    await mosquitto.stop();
    await mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ redelivered: 80, inFlight: 80 }));
    expect(readings()).toBe(0);
    gate.resolve();
    await eventually(() => expect(broker.view().inFlight).toBe(0));
    expect(bench.verdicts.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array(80).fill('accept'),
      ...Array(80).fill('ignore'),
    ]);
    expect(readings()).toBe(80);
    // When a later packet of ours has come out at the other side, the broker has read the acknowledgements before it.
    publisher = await join();
    const passed = new Promise((pass) => publisher.once('message', pass));
    await publisher.subscribeAsync('wearables/+/requests', { qos: 1 });
    broker.requestResend(wearable.urn, [{ boot: 0, from: 0, to: 0 }]);
    await passed;
    await mosquitto.stop();
    await mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ connected: 1, reconnects: 2 }));
    expect(broker.view().redelivered).toBe(80);
  });

  test('stay in flight within the bound, whatever the broker sends', async () => {
    const gate = Promise.withResolvers<void>();
    let submitted = 0;
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        submitted += 1;
        if (submitted > 20) await gate.promise;
        return bench.intake.submit(inbound);
      },
    };
    await (await opened()).close();
    await publish(wearable, await wearable.skip(500));
    const broker = await opened({ intake: gated, receiveMaximum: 50, keepaliveSeconds: 1 });
    // Once some were acknowledged, mosquitto 2.0.11 sends all that a resumed session holds, whatever it was told.
    await eventually(() => expect(submitted).toBe(70));
    // Long enough for more, if more came, and for the package to take the connection for dead.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect([submitted, broker.view().inFlight, broker.view().reconnects]).toEqual([70, 50, 0]);
    gate.resolve();
    await eventually(() => expect(readings()).toBe(500));
  });

  test('wait for room, and keep their order', async () => {
    const submitted: Inbound[] = [];
    let free = 0;
    let waiting = Promise.withResolvers<void>();
    const narrow: Intake = {
      room: () => (free > 0 ? undefined : waiting.promise),
      submit: (inbound) => {
        free -= 1;
        submitted.push(inbound);
        return bench.intake.submit(inbound);
      },
    };
    const broker = await opened({ intake: narrow });
    const statements = await wearable.skip(30);
    await publish(wearable, statements);
    await eventually(() => expect(broker.view().inFlight).toBe(30));
    expect(submitted).toEqual([]);
    for (let turn = 0; turn < 10; turn++) {
      free = 3;
      const { resolve } = waiting;
      waiting = Promise.withResolvers();
      resolve();
      await eventually(() => expect(submitted).toHaveLength(3 * (turn + 1)));
    }
    expect(submitted.map(({ bytes }) => Buffer.from(bytes))).toEqual(statements.map((b) => Buffer.from(b)));
    await eventually(() => expect(broker.view().inFlight).toBe(0));
  });

  test('are not acknowledged while the store fails, and are taken once when it works again', async () => {
    bench.db.pragma('busy_timeout = 20');
    const holder = openDatabase(resolve(bench.folder, 'gateway.db'), []);
    holder.exec('BEGIN IMMEDIATE');
    const broker = await opened();
    await publish(wearable, await wearable.skip(5));
    await eventually(() => expect(broker.view().failures).toBeGreaterThan(10));
    expect(broker.view()).toMatchObject({ inFlight: 5, received: 5, reconnects: 0 });
    expect(readings()).toBe(0);
    holder.exec('COMMIT');
    holder.close();
    await eventually(() => expect(broker.view().inFlight).toBe(0));
    expect(readings()).toBe(5);
    expect(broker.view().received).toBe(5);
    const lines = bench.logger.lines.filter(({ message }) => /statements from the broker/.test(message));
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']); // not one for each attempt
  });

  test('one that always fails holds up no other', async () => {
    const [poison, ...others] = await wearable.skip(20);
    const failing: Intake = {
      room: () => undefined,
      submit: (inbound): Promise<Verdict> =>
        Buffer.from(inbound.bytes).equals(poison as Uint8Array)
          ? Promise.reject(new GatewayError('store-unavailable', 'never'))
          : bench.intake.submit(inbound),
    };
    const broker = await opened({ intake: failing });
    await publish(wearable, [poison as Uint8Array, ...others]);
    await eventually(() => expect(readings()).toBe(19));
    await eventually(() => expect(broker.view().inFlight).toBe(1));
    await broker.close(); // and keeps nobody from stopping
    await opened();
    await eventually(() => expect(readings()).toBe(20));
  });

  test('in hand at a stop are finished and acknowledged; the rest stays for the next start', async () => {
    const broker = await opened();
    const statements = await wearable.skip(200);
    const sending = publish(wearable, statements);
    await eventually(() => expect(readings()).toBeGreaterThan(0));
    await broker.close();
    const taken = readings();
    await sending;
    expect(readings()).toBe(taken);
    const again = await opened();
    await eventually(() => expect(readings()).toBe(200));
    await eventually(() => expect(again.view().inFlight).toBe(0));
    expect(again.view().received).toBe(200 - taken); // nothing of what was finished came again
  });

  test('that the log is at when the gateway stops are waited for', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        await gate.promise;
        return bench.intake.submit(inbound);
      },
    };
    const broker = await opened({ intake: gated });
    await publish(wearable, await wearable.skip(5));
    await eventually(() => expect(broker.view().inFlight).toBe(5));
    const closing = broker.close();
    setTimeout(gate.resolve, 100);
    await closing;
    expect(readings()).toBe(5);
    const again = await opened();
    await publish(wearable, [await wearable.next()]);
    await eventually(() => expect(readings()).toBe(6));
    expect(again.view()).toMatchObject({ received: 1, redelivered: 0 });
  });

  test('on a topic of no device are counted, acknowledged and nothing else', async () => {
    const broker = await opened();
    const bytes = Buffer.from(await wearable.next());
    for (const device of [
      'x',
      'URN:DEV:MAC:0123456789ab',
      'urn:dev:mac:XYZ',
      '__proto__',
      `urn:dev:os:1-${'x'.repeat(200)}`,
    ])
      await publisher.publishAsync(`wearables/${device}/statements`, bytes, { qos: 1 });
    await eventually(() => expect(broker.view()).toMatchObject({ badTopics: 5, received: 5, inFlight: 0 }));
    expect(bench.verdicts).toEqual([]);
  });

  test('that are refused are acknowledged to the broker and kept in quarantine', async () => {
    const broker = await opened();
    const unknown = new Wearable(77);
    const [first, second] = await wearable.skip(2);
    await publish(wearable, [spoil(first as Uint8Array), Uint8Array.of(1), new Uint8Array(5000)]);
    await publish(unknown, [await unknown.next()]);
    await publisher.publishAsync(topicOf(unknown), Buffer.from(second as Uint8Array), { qos: 1 });
    await eventually(() => expect(broker.view()).toMatchObject({ received: 5, inFlight: 0 }));
    const codes = bench.log.quarantine.list(10).map(({ code }) => code);
    expect(codes.toSorted()).toEqual([
      'bad-signature',
      'malformed',
      'oversize',
      'unknown-device',
      'unknown-device',
    ]);
  });

  test('that were published to be retained are logged once, and do not stay in the broker', async () => {
    const broker = await opened();
    const bytes = Buffer.from(await wearable.next());
    await publisher.publishAsync(topicOf(wearable), bytes, { qos: 1, retain: true });
    await eventually(() => expect(readings()).toBe(1));
    expect(broker.view().retained).toBe(1);
    const heard: Buffer[] = [];
    await eventually(async () => {
      heard.length = 0;
      const nosy = await join();
      nosy.on('message', (_topic, payload) => heard.push(payload));
      await nosy.subscribeAsync(topicOf(wearable), { qos: 1 });
      await nosy.publishAsync('wearables/mark', 'x', { qos: 1 });
      expect(heard).toEqual([]);
    });
    await broker.close();
    await opened();
    await publish(wearable, [await wearable.next()]);
    await eventually(() => expect(readings()).toBe(2));
    expect(bench.verdicts.map(({ kind }) => kind)).toEqual(['accept', 'accept']);
  });

  test('of a QoS that the broker cannot keep are taken as well', async () => {
    const broker = await opened();
    for (const qos of [0, 2] as const)
      await publisher.publishAsync(topicOf(wearable), Buffer.from(await wearable.next()), { qos });
    await eventually(() => expect(readings()).toBe(2));
    await eventually(() => expect(broker.view().inFlight).toBe(0));
  });

  test('dealt to several connections keep the order of their device', async () => {
    const broker = await opened({ connections: 3, receiveMaximum: 1000 });
    await publish(wearable, [await wearable.next()]);
    for (let round = 0; round < 5; round++) await publish(wearable, await wearable.skip(100));
    await eventually(() => expect(readings()).toBe(501));
    expect(broker.view().sessions.map(({ connected }) => connected)).toEqual([true, true, true]);
    expect(bench.gaps).toEqual([]);
    expect(bench.verdicts.filter((verdict) => verdict.kind !== 'accept' || verdict.flags.length > 0)).toEqual(
      [],
    );
  });

  test('in a session that is configured no more are taken, and the session is ended', async () => {
    const three = await opened({ connections: 3 });
    await three.close();
    await publish(wearable, await wearable.skip(90)); // dealt to all three, though none is there
    const one = await opened({ connections: 1 });
    await eventually(() => expect(readings()).toBe(90));
    await eventually(() =>
      expect(
        bench.logger.lines
          .filter(({ message }) => /no longer configured/.test(message))
          .map(({ fields }) => fields),
      ).toEqual([
        { broker: 'ward', session: 'vitalseal-test-2' },
        { broker: 'ward', session: 'vitalseal-test-3' },
      ]),
    );
    await publish(wearable, await wearable.skip(30));
    await eventually(() => expect(readings()).toBe(120));
    expect(one.view().received).toBeGreaterThanOrEqual(30);
  });

  test('a second gateway in the same group shows', async () => {
    const two = [await opened(), open()];
    await eventually(() =>
      expect(two.map((broker) => broker.view().sessions[0]?.lastError).join()).toContain(
        'does another client have the id vitalseal-test-1?',
      ),
    );
  });

  test('a broker that loses its memory is subscribed to again', async () => {
    const broker = await opened();
    await mosquitto.kill();
    writeFileSync(resolve(mosquitto.directory, 'mosquitto.db'), '');
    await mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ connected: 1, reconnects: 1 }));
    publisher = await join();
    await publish(wearable, [await wearable.next()]);
    await eventually(() => expect(readings()).toBe(1));
    expect(bench.logger.text()).toContain('the broker has forgotten the session');
  });

  describe('the answers', () => {
    async function listen(topic: string): Promise<Uint8Array[]> {
      const heard: Uint8Array[] = [];
      const client = await join();
      client.on('message', (_topic, payload) => heard.push(Uint8Array.from(payload)));
      await client.subscribeAsync(topic, { qos: 1 });
      return heard;
    }

    test('tell each device what became of its statements', async () => {
      await opened();
      const heard = await listen(`wearables/${wearable.urn}/acks`);
      const first = await wearable.next();
      await publish(wearable, [first]);
      await publish(wearable, [first]);
      await publish(wearable, [spoil(await wearable.next())]);
      await eventually(() => expect(heard).toHaveLength(3));
      expect(heard.map((bytes) => Object.fromEntries(decodeCbor(bytes) as Map<string, unknown>))).toEqual([
        { verdict: 'accept', seq: 0, boot: 0, index: 1 },
        { verdict: 'ignore', seq: 0, boot: 0, code: 'duplicate', index: 1 },
        { verdict: 'reject', seq: 1, boot: 0, code: 'bad-signature', entry: expect.any(Uint8Array) },
      ]);
    });

    test('can be left out', async () => {
      await opened({ answers: false });
      const heard = await listen('wearables/+/acks');
      await publish(wearable, [await wearable.next()]);
      await eventually(() => expect(readings()).toBe(1));
      await publisher.publishAsync(`wearables/${wearable.urn}/acks`, 'mark', { qos: 1 });
      await eventually(() => expect(heard).toHaveLength(1));
    });

    test('ask for what is missing, and carry the beacon to who comes later; both outlast a broker that is away', async () => {
      const broker = await opened();
      const requests = `wearables/${wearable.urn}/requests`;
      const reader = { clientId: 'reader', clean: false } as const;
      const client = await join(reader);
      await client.subscribeAsync(requests, { qos: 1 });
      await client.endAsync();
      await mosquitto.stop();
      await eventually(() => expect(broker.view().connected).toBe(0));
      broker.publishBeacon({ blockNumber: 1n, blockHash: new Uint8Array(32).fill(1) }, 1_700_000_000);
      broker.publishBeacon({ blockNumber: 2n, blockHash: new Uint8Array(32).fill(2) }, 1_700_000_012);
      for (let from = 0; from < 150; from++)
        broker.requestResend(wearable.urn, [{ boot: 0, from, to: from }]);
      await mosquitto.restart();
      await eventually(() => expect(broker.view().connected).toBe(1));
      const beacon = await listen('wearables/beacon');
      await eventually(() => expect(beacon).toHaveLength(1));
      expect(decodeCbor(beacon[0] as Uint8Array)).toEqual([2, new Uint8Array(32).fill(2), 1_700_000_012]);
      const heard: Uint8Array[] = [];
      const back = connect(mosquitto.url, { protocolVersion: 4, ...reader });
      clients.push(back);
      back.on('message', (_topic, payload) => heard.push(Uint8Array.from(payload)));
      await eventually(() => expect(heard).toHaveLength(150));
      expect(heard.map((bytes) => decodeCbor(bytes))).toEqual(
        Array.from({ length: 150 }, (_, from) => new Map([['resend', [[0, from, from]]]])),
      );
    });
  });
});

describe.skipIf(note !== '')(`the access rules of docs/operations.md, given to mosquitto${note}`, () => {
  let folder: TestFolder;

  beforeEach(async () => {
    folder = makeFolder();
    chmodSync(folder.path, 0o755);
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const rules = /^ *```acl\n(.*?)^ *```$/ms.exec(page)?.[1] ?? '';
    writeFileSync(resolve(folder.path, 'acl'), rules.replaceAll(/^ +/gm, ''));
    mosquitto = await Mosquitto.start(['allow_anonymous true', `acl_file ${resolve(folder.path, 'acl')}`]);
    publisher = await join({ username: wearable.urn, protocolVersion: 5 });
  });

  afterEach(() => folder.remove());

  test('let a device be heard and answered, and nobody speak or listen in its name', async () => {
    const broker = await opened({ credentials: () => ({ username: 'gateway' }) });
    const heard: string[] = [];
    const topics = [
      `wearables/${wearable.urn}/acks`,
      `wearables/${wearable.urn}/requests`,
      'wearables/beacon',
    ];
    const stranger = await join({ username: new Wearable(2).urn, protocolVersion: 5 });
    for (const [client, name] of [
      [publisher, 'device'],
      [stranger, 'stranger'],
    ] as const) {
      client.on('message', (topic) => heard.push(`${name} ${topic}`));
      await client.subscribeAsync([...topics, topicOf(wearable)], { qos: 1 });
    }
    const bytes = Buffer.from(await wearable.next());
    for (const topic of [topicOf(wearable), topics[0] as string])
      await expect(stranger.publishAsync(topic, bytes, { qos: 1 })).rejects.toThrow('Not authorized');
    broker.publishBeacon({ blockNumber: 1n, blockHash: new Uint8Array(32) }, 1_700_000_000);
    broker.requestResend(wearable.urn, [{ boot: 0, from: 0, to: 0 }]);
    await publisher.publishAsync(topicOf(wearable), bytes, { qos: 1, retain: true });
    await eventually(() => {
      expect(new Set(heard)).toEqual(
        new Set([...topics.map((topic) => `device ${topic}`), `stranger ${topics[2]}`]),
      );
      expect(broker.view()).toMatchObject({ received: 2, retained: 1, inFlight: 0 }); // the second clears the first
    });
    expect(readings()).toBe(1);
    expect(bench.logger.text()).not.toContain('does not let the gateway publish');
  });
});

describe.skipIf(secureNote !== '')(`a mosquitto with TLS, certificates and passwords${secureNote}`, () => {
  let folder: TestFolder;
  let password: string;
  const file = (name: string) => resolve(folder.path, name);
  const credentials = (): Credentials => ({
    username: 'gateway',
    password: Buffer.from(password),
    ca: readFileSync(file('ca.crt')),
    cert: readFileSync(file('gateway.crt')),
    key: readFileSync(file('gateway.key')),
  });

  beforeEach(async () => {
    folder = makeFolder();
    chmodSync(folder.path, 0o755);
    password = 'secret';
    await makeCertificates(folder.path);
    await runProgram('mosquitto_passwd', ['-b', '-c', file('passwords'), 'gateway', 'secret']);
    await runProgram('mosquitto_passwd', ['-b', file('passwords'), 'device', 'secret']);
    writeFileSync(
      file('acl'),
      'user gateway\ntopic read wearables/+/statements\ntopic write wearables/+/acks\n\nuser device\ntopic readwrite #\n',
    );
    const settings = { cafile: 'ca.crt', certfile: 'broker.crt', keyfile: 'broker.key', acl_file: 'acl' };
    mosquitto = await Mosquitto.start([
      'require_certificate true',
      'allow_anonymous false',
      `password_file ${file('passwords')}`,
      ...Object.entries(settings).map(([setting, name]) => `${setting} ${file(name)}`),
    ]);
    publisher = await join({ ...credentials(), username: 'device' });
  });

  afterEach(() => folder.remove());

  test('takes statements and answers', async () => {
    const broker = await opened({ credentials });
    const heard: Buffer[] = [];
    publisher.on('message', (_topic, payload) => heard.push(payload));
    await publisher.subscribeAsync(`wearables/${wearable.urn}/acks`, { qos: 1 });
    await publish(wearable, await wearable.skip(10));
    await eventually(() => expect([readings(), heard.length]).toEqual([10, 10]));
    expect(broker.view().sessions[0]?.lastError).toBeNull();
  });

  test('tells which topic it does not let the gateway publish on, and is not asked for ever', async () => {
    const broker = await opened({ credentials });
    for (let from = 0; from < 3; from++) broker.requestResend(wearable.urn, [{ boot: 0, from, to: from }]);
    const refusals = () =>
      bench.logger.lines.filter(({ message }) => /does not let the gateway publish here/.test(message));
    // mosquitto 2.0.11 breaks a TLS connection with each refusal; what waited is then offered on the next.
    await eventually(() => expect(refusals()).toHaveLength(3));
    await publish(wearable, [await wearable.next()]);
    await eventually(() => expect(readings()).toBe(1));
    await eventually(() => expect(broker.view().connected).toBe(1));
    expect(refusals()).toHaveLength(3);
  });

  test('refuses a wrong password, and lets in once the file holds the right one', async () => {
    password = 'wrong';
    const broker = open({ credentials });
    await eventually(() => expect(broker.view().sessions[0]?.lastError).toMatch(/Not authorized/));
    password = 'secret';
    await eventually(() => expect(broker.view().connected).toBe(1));
    expect(bench.logger.text()).not.toMatch(/wrong|secret/);
  });

  test.each([
    [
      'with an authority that did not vouch for the broker',
      { ca: 'other.crt' },
      /self-signed|unable to (get|verify)|signature/,
    ],
    [
      'without the certificate that the broker wants',
      { cert: undefined, key: undefined },
      /certificate required|handshake|closed the connection|ECONNRESET|EPIPE/,
    ],
    [
      'with a file that is no certificate',
      { ca: 'gateway.key', cert: 'acl', key: 'acl' },
      /PEM|bad|no start line|ASN1/,
    ],
  ] as const)('is not spoken to %s', async (_name, changed, reason) => {
    const wrong = (): Credentials => {
      const given: Record<string, unknown> = { ...credentials() };
      for (const [part, name] of Object.entries(changed)) {
        if (name === undefined) delete given[part];
        else given[part] = readFileSync(file(name));
      }
      return given as Credentials;
    };
    const broker = open({ credentials: wrong });
    await eventually(() => expect(broker.view().sessions[0]?.lastError).toMatch(reason));
    expect(broker.view().connected).toBe(0);
  });
});

/** ca and other: two authorities; broker and gateway: certificates by the first. */
async function makeCertificates(folder: string): Promise<void> {
  const at = (name: string) => resolve(folder, name);
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  for (const name of ['ca', 'other', 'broker', 'gateway'])
    await openssl(
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-out',
      at(`${name}.key`),
    );
  for (const name of ['ca', 'other'])
    await openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      at(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-out',
      at(`${name}.crt`),
    );
  for (const name of ['broker', 'gateway']) {
    await openssl(
      'req',
      '-new',
      '-key',
      at(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-out',
      at(`${name}.csr`),
    );
    const signed = [
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at('names'),
    ];
    await openssl('x509', '-req', '-in', at(`${name}.csr`), ...signed, '-out', at(`${name}.crt`));
  }
}
