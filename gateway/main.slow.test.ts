import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { bytesToHex } from '../src/bytes.ts';
import { type CborValue, decodeCbor } from '../src/cbor.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { keyId } from '../src/cose/key.ts';
import { hashEntry } from '../src/statement.ts';
import { REJECT_CODES, type RejectCode } from '../src/verdict.ts';
import { loadConfig } from './config.ts';
import { startGateway } from './main.ts';
import { openDatabase } from './store/database.ts';
import { RegistryStore } from './store/registry-store.ts';
import { SetClock } from './testing/clock.ts';
import { makeFolder, type TestFolder } from './testing/folder.ts';
import { GatewayBench, writeGatewayFiles } from './testing/gateway-bench.ts';
import { keyText } from './testing/log-bench.ts';
import { MemoryLogger } from './testing/logger.ts';
import { RawMqtt } from './testing/raw-mqtt.ts';
import { ALGORITHMS, heartRate, signerFrom, spoil, Wearable } from './testing/wearable.ts';

/** A device on the real client library, never sending anything twice. */
async function joinWithLibrary(bench: GatewayBench, wearable: Wearable): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${bench.gateway.mqttPort}`, {
    protocolVersion: 4,
    username: wearable.urn,
    clientId: `lib ${wearable.urn} ${Math.random()}`,
    reconnectPeriod: 0,
  });
  client.on('error', () => undefined);
  return client;
}

const statementsOf = (urn: string) => `wearables/${urn}/statements`;

/** Sends one message: `acknowledged` by a PUBACK, or `closed`. */
function publish(client: MqttClient, topic: string, bytes: Uint8Array): Promise<'acknowledged' | 'closed'> {
  return new Promise((resolve) => {
    client.once('close', () => resolve('closed'));
    client.publish(topic, Buffer.from(bytes), { qos: 1 }, (error) => {
      if (!error) resolve('acknowledged');
    });
  });
}

describe('each reject code, over MQTT', () => {
  let bench: GatewayBench;
  let bystander: Wearable;
  /** A device for each code and algorithm; only that of `unknown-device` is not enrolled. */
  const attackers = REJECT_CODES.flatMap((code, at) =>
    ALGORITHMS.map((algorithm, nth) => ({ code, wearable: new Wearable(100 + 3 * at + nth, algorithm) })),
  );
  const wearableFor = (code: RejectCode, algorithm: Algorithm): Wearable => {
    const found = attackers.find(
      ({ code: other, wearable }) => other === code && wearable.signer.publicKey.algorithm === algorithm,
    );
    if (found === undefined) throw new Error('no such attacker');
    return found.wearable;
  };

  beforeAll(async () => {
    bench = await GatewayBench.start();
    bystander = new Wearable(1);
    const enrolled = attackers
      .filter(({ code }) => code !== 'unknown-device')
      .map(({ wearable }) => wearable);
    await bench.enrolAll([bystander, ...enrolled]);
  });

  afterAll(() => bench.close());

  interface Attack {
    /** Brings the device into the state the code is about, and makes the bytes. */
    readonly prepare: (wearable: Wearable) => Promise<Uint8Array>;
    readonly answer?: 'closed';
  }

  const change = (wearable: Wearable, action: object) => bench.request({ device: wearable.urn, ...action });

  const attacks: Record<Exclude<RejectCode, 'revoked-device'>, Attack> = {
    malformed: { prepare: async () => new TextEncoder().encode('{"hr":60}') },
    'not-deterministic': {
      prepare: async (wearable) => {
        const bytes = await wearable.sign();
        return Uint8Array.from([0xd2, 0x84, 0x59, 0, bytes[3] as number, ...bytes.subarray(4)]);
      },
    },
    oversize: { prepare: async () => new Uint8Array(4097), answer: 'closed' },
    'unknown-device': { prepare: (wearable) => wearable.sign(), answer: 'closed' },
    'unknown-key': { prepare: (wearable) => wearable.sign({}, signerFrom('nobody')) },
    'retired-key': {
      prepare: async (wearable) => {
        const bytes = await wearable.sign();
        const kid = bytesToHex(keyId(wearable.signer.publicKey));
        await change(wearable, { action: 'retire-key', kid });
        return bytes;
      },
    },
    'suspended-device': {
      prepare: async (wearable) => {
        await change(wearable, { action: 'suspend' });
        return wearable.sign();
      },
    },
    'bad-signature': { prepare: async (wearable) => spoil(await wearable.sign()) },
    'wrong-issuer': { prepare: () => bystander.sign({ seq: 999 }) },
    equivocation: {
      prepare: async (wearable) => {
        const client = await joinWithLibrary(bench, wearable);
        await publish(client, statementsOf(wearable.urn), await wearable.sign());
        await client.endAsync();
        return wearable.sign({ payload: heartRate(61) });
      },
    },
  };

  // A revoked device is not let in: its code is for what was under way, or came through another broker.
  const cases = REJECT_CODES.filter((code) => code !== 'revoked-device').flatMap((code) =>
    ALGORITHMS.map((algorithm) => [code, algorithm] as const),
  );

  test.each(cases)(
    '%s (%s): quarantined, counted, answered as specified, nobody else harmed',
    async (code, algorithm) => {
      const { prepare, answer } = attacks[code];
      const wearable = wearableFor(code, algorithm);
      const bytes = await prepare(wearable);
      const series = `vitalseal_statements_total{verdict="reject",code="${code}"}`;
      const [counted, entries] = [await bench.metric(series), bench.count('entries', "kind = 'statement'")];
      const [attacker, other] = [
        await joinWithLibrary(bench, wearable),
        await joinWithLibrary(bench, bystander),
      ];
      const topic = statementsOf(wearable.urn);
      expect(await publish(attacker, topic, bytes)).toBe(answer ?? 'acknowledged');
      expect(bench.quarantine().list(10, wearable.urn)).toMatchObject([
        { code, device: wearable.urn, length: bytes.length, received_at: bench.clock.now() },
      ]);
      expect(bench.quarantine().list(1)[0]?.entry).toEqual(Buffer.from(hashEntry(bytes)));
      expect(await bench.metric(series)).toBe(counted + 1);
      expect(bench.count('entries', "kind = 'statement'")).toBe(entries);
      expect(await publish(other, statementsOf(bystander.urn), await bystander.next())).toBe('acknowledged');
      expect(bench.count('entries', "kind = 'statement'")).toBe(entries + 1);
      await Promise.all([attacker.endAsync(true), other.endAsync(true)]);
    },
  );

  test('no payload and no key is in any log line', () => {
    const text = bench.logger.text();
    expect(text).toContain('bad-signature');
    expect(text).not.toContain(bytesToHex(heartRate(61)));
    expect(text).not.toContain('4d4d4d');
    expect(text).not.toContain('7e7e7e');
  });
});

describe('a gateway', () => {
  let folder: TestFolder;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(() => folder.remove());

  test('enrols what another process asks for, takes its readings, and goes on after a restart', async () => {
    const wearable = new Wearable(5);
    let bench = await GatewayBench.start({}, folder);
    await bench.enrol(wearable);
    let client = await joinWithLibrary(bench, wearable);
    const statements = await wearable.skip(3);
    for (const bytes of statements.slice(0, 2))
      expect(await publish(client, statementsOf(wearable.urn), bytes)).toBe('acknowledged');
    const size = await bench.metric('vitalseal_log_entries');
    await bench.stop();
    await client.endAsync(true);
    bench = await GatewayBench.start({}, folder);
    // One heartbeat more: a checkpoint is sealed at each start.
    await vi.waitFor(async () => expect(await bench.metric('vitalseal_log_entries')).toBe(size + 1));
    client = await joinWithLibrary(bench, wearable);
    const answers: Map<string, CborValue>[] = [];
    client.on('message', (_topic, payload) =>
      answers.push(decodeCbor(Uint8Array.from(payload)) as Map<string, CborValue>),
    );
    await client.subscribeAsync(`wearables/${wearable.urn}/acks`);
    for (const bytes of statements)
      expect(await publish(client, statementsOf(wearable.urn), bytes)).toBe('acknowledged');
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    expect(answers.map((answer) => answer.get('verdict'))).toEqual(['ignore', 'ignore', 'accept']);
    expect(answers[2]?.has('flags')).toBe(false);
    await client.endAsync(true);
    await bench.stop();
  });

  test('carries out at its start what was asked for while it was away', async () => {
    const wearable = new Wearable(6);
    const bench = await GatewayBench.start({}, folder);
    await bench.stop();
    const db = openDatabase(join(folder.path, 'data', 'gateway.db'), []);
    const key = keyText(wearable.signer.publicKey);
    const request = { action: 'enrol', device: wearable.urn, patient: 'alice', provider: 'clinic', key };
    new RegistryStore(db).requests.add([JSON.stringify(request)]);
    db.close();
    const again = await GatewayBench.start({}, folder);
    expect(again.count('devices')).toBe(1);
    await again.stop();
  });

  test('suspends after an equivocation: the event is in the log, the status says so, and the device is told', async () => {
    const wearable = new Wearable(7);
    const bench = await GatewayBench.start({}, folder);
    await bench.enrol(wearable);
    const client = await joinWithLibrary(bench, wearable);
    await publish(client, statementsOf(wearable.urn), await wearable.next());
    await publish(client, statementsOf(wearable.urn), await wearable.sign({ payload: heartRate(99) }));
    await vi.waitFor(() => expect(bench.count('entries', "kind = 'device-event'")).toBe(2));
    await publish(client, statementsOf(wearable.urn), await wearable.next());
    expect(bench.quarantine().list(1)[0]?.code).toBe('suspended-device');
    expect(await bench.request({ action: 'resume', device: wearable.urn })).toEqual(['']);
    await client.endAsync(true);
    await bench.stop();
  });

  test('closes the connections of a device at once when it is revoked, and lets it in no more', async () => {
    const wearable = new Wearable(8);
    const other = new Wearable(9);
    const bench = await GatewayBench.start({}, folder);
    await bench.enrolAll([wearable, other]);
    const links = [await bench.join(wearable, 'a'), await bench.join(wearable, 'b')];
    const bystander = await bench.join(other);
    expect(await bench.request({ action: 'suspend', device: wearable.urn })).toEqual(['']);
    for (const link of links) await link.roundTrip(); // that may pass
    expect(await bench.request({ action: 'revoke', device: wearable.urn })).toEqual(['']);
    await Promise.all(links.map(({ closed }) => closed));
    await expect(bench.join(wearable)).rejects.toThrow('CONNACK 5');
    await bystander.roundTrip();
    expect(await bench.metric('vitalseal_connections_refused_total{reason="device-changed"}')).toBe(2);
    bystander.destroy();
    await bench.stop();
  });

  test('refuses a data directory that another one writes to', async () => {
    const bench = await GatewayBench.start({}, folder);
    const config = loadConfig(writeGatewayFiles(folder.path), {});
    const error = await startGateway(config, { clock: new SetClock(), logger: new MemoryLogger() }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'data-directory-in-use', fatal: true });
    expect((error as Error).message.replace(folder.path, '<folder>')).toMatchInlineSnapshot(
      `"another gateway writes to <folder>/data; one log has one writer"`,
    );
    await bench.stop();
  });

  test.each(['mqtt', 'http'] as const)(
    'names a busy %s port, leaves nothing running, and starts once it is free',
    async (which) => {
      const holder = await GatewayBench.start();
      const port = which === 'mqtt' ? holder.gateway.mqttPort : holder.gateway.httpPort;
      const config = loadConfig(
        writeGatewayFiles(folder.path, {
          [which]: { port },
          [which === 'mqtt' ? 'http' : 'mqtt']: { port: 0 },
        }),
        {},
      );
      const parts = { clock: new SetClock(), logger: new MemoryLogger() };
      const error = await startGateway(config, parts).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'port-in-use', fatal: true });
      expect((error as Error).message).toBe(
        `${which.toUpperCase()} port 127.0.0.1:${port} is in use; stop what holds it or set ${which}.port`,
      );
      await holder.close();
      const gateway = await startGateway(config, parts);
      await gateway.close();
    },
  );

  test('needs its keys, and names the setting of the one that is missing', async () => {
    const config = loadConfig(
      writeGatewayFiles(folder.path, {
        keys: { masterKeyFile: 'master.key', logKeyFile: 'no.key', webhookKeyFile: 'webhook.key' },
      }),
      {},
    );
    const error = await startGateway(config, { clock: new SetClock(), logger: new MemoryLogger() }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'key-unreadable', fatal: true });
    expect((error as Error).message).toContain('keys.logKeyFile: cannot read');
    expect(readFileSync(join(folder.path, 'master.key'), 'utf8')).toHaveLength(65);
    // The lock was given back.
    const bench = await GatewayBench.start({}, folder);
    await bench.stop();
  });

  test('stops promptly with silent and busy connections, and settles what it took', async () => {
    const wearable = new Wearable(8);
    const bench = await GatewayBench.start({}, folder);
    await bench.enrol(wearable);
    const silent = await RawMqtt.open(bench.gateway.mqttPort);
    const link = await bench.join(wearable);
    await link.roundTrip();
    await bench.stop();
    await Promise.all([silent.closed, link.closed]);
    expect(existsSync(join(folder.path, 'data', 'gateway.db-wal'))).toBe(false); // the database was closed
  });

  test('may be closed twice', async () => {
    const bench = await GatewayBench.start({}, folder);
    await bench.stop();
    await bench.gateway.close();
  });
});
