/** Mosquitto as Debian has it between a publisher and the gateway's intake on a real log: what the tests of external brokers stand on. */
import { chmodSync } from 'node:fs';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeEach, expect, vi } from 'vitest';
import { endPrograms } from '../../../../test/support/command.ts';
import type { Mosquitto } from '../../../../test/support/mosquitto.ts';
import type { Intake } from '../../../ports.ts';
import { makeFolder, type TestFolder } from '../../../testing/folder.ts';
import { LogBench } from '../../../testing/log-bench.ts';
import { Wearable } from '../../../testing/wearable.ts';
import { ExternalBroker, type ExternalBrokerOptions } from '../external-broker.ts';

const CONNECTIONS_MAX = 6;

/** A machine that does much else at the time gets long to come to the same. */
export const eventually = (probe: () => void | Promise<void>) =>
  vi.waitFor(probe, { timeout: 20_000, interval: 20 });

export const topicOf = (device: Wearable) => `wearables/${device.urn}/statements`;

/** A log with one enrolled device, made anew before each test. Mosquitto and the publisher are for the test file to start. */
export class MosquittoScene {
  bench!: LogBench;
  wearable!: Wearable;
  mosquitto!: Mosquitto;
  publisher!: MqttClient;
  /** All that was opened and joined; closed after each test. */
  readonly brokers: ExternalBroker[] = [];
  readonly clients: MqttClient[] = [];

  /** Call at the top of a test file; use the result inside tests only. */
  static use(): MosquittoScene {
    const scene = new MosquittoScene();
    afterAll(endPrograms); // also after a test that could not clean up
    beforeEach(async () => {
      scene.bench = new LogBench();
      scene.wearable = new Wearable(1);
      await scene.bench.enrol(scene.wearable);
    });
    afterEach(async () => {
      for (const broker of scene.brokers.splice(0)) await broker.close();
      for (const client of scene.clients.splice(0)) await client.endAsync(true);
      await scene.mosquitto?.remove();
      await scene.bench.close();
    });
    return scene;
  }

  /** Statements in the log. */
  readings(): number {
    return this.bench.count('entries', "kind = 'statement'");
  }

  open(changes: Partial<ExternalBrokerOptions> = {}): ExternalBroker {
    const { bench } = this;
    const plain: Intake = {
      submit: (inbound) => bench.intake.submit(inbound),
      room: () => undefined,
    };
    const broker = new ExternalBroker({
      name: 'ward',
      url: this.mosquitto.url,
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
    this.brokers.push(broker);
    broker.start();
    return broker;
  }

  /** As `open`; resolves once every connection stands. */
  async opened(changes: Partial<ExternalBrokerOptions> = {}): Promise<ExternalBroker> {
    const broker = this.open(changes);
    await eventually(() => expect(broker.view().connected).toBe(changes.connections ?? 1));
    return broker;
  }

  /** A client of somebody else at the same broker. */
  async join(options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync(this.mosquitto.url, { protocolVersion: 4, ...options });
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  /** Publishes in order; resolves at the broker's PUBACKs. */
  async publish(device: Wearable, statements: readonly Uint8Array[]): Promise<void> {
    await Promise.all(
      statements.map((bytes) => this.publisher.publishAsync(topicOf(device), Buffer.from(bytes), { qos: 1 })),
    );
  }
}

/** A folder that mosquitto, which runs as a user of its own, may read. */
export function makeReadableFolder(): TestFolder {
  const folder = makeFolder();
  chmodSync(folder.path, 0o755);
  return folder;
}
