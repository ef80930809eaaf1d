/** Against mosquitto as Debian has it: what else comes over a broker, sessions and their memory, and the answers. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { connect } from 'mqtt';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../../src/cbor.ts';
import { missingNote } from '../../../test/support/installed.ts';
import { Mosquitto } from '../../../test/support/mosquitto.ts';
import { spoil, Wearable } from '../../testing/wearable.ts';
import { eventually, MosquittoScene, topicOf } from './testing/mosquitto-scene.ts';

const note = missingNote(['mosquitto']);
const scene = MosquittoScene.use();

describe.skipIf(note !== '')(`statements of every kind through mosquitto${note}`, () => {
  beforeEach(async () => {
    scene.mosquitto = await Mosquitto.start();
    scene.publisher = await scene.join();
  });

  test('on a topic of no device are counted, acknowledged and nothing else', async () => {
    const broker = await scene.opened();
    const bytes = Buffer.from(await scene.wearable.next());
    for (const device of [
      'x',
      'URN:DEV:MAC:0123456789ab',
      'urn:dev:mac:XYZ',
      '__proto__',
      `urn:dev:os:1-${'x'.repeat(200)}`,
    ])
      await scene.publisher.publishAsync(`wearables/${device}/statements`, bytes, { qos: 1 });
    await eventually(() => expect(broker.view()).toMatchObject({ badTopics: 5, received: 5, inFlight: 0 }));
    expect(scene.bench.verdicts).toEqual([]);
  });

  test('that are refused are acknowledged to the broker and kept in quarantine', async () => {
    const broker = await scene.opened();
    const unknown = new Wearable(77);
    const [first, second] = await scene.wearable.skip(2);
    await scene.publish(scene.wearable, [spoil(first as Uint8Array), Uint8Array.of(1), new Uint8Array(5000)]);
    await scene.publish(unknown, [await unknown.next()]);
    await scene.publisher.publishAsync(topicOf(unknown), Buffer.from(second as Uint8Array), { qos: 1 });
    await eventually(() => expect(broker.view()).toMatchObject({ received: 5, inFlight: 0 }));
    const codes = scene.bench.log.quarantine.list(10).map(({ code }) => code);
    expect(codes.toSorted()).toEqual([
      'bad-signature',
      'malformed',
      'oversize',
      'unknown-device',
      'unknown-device',
    ]);
  });

  test('that were published to be retained are logged once, and do not stay in the broker', async () => {
    const broker = await scene.opened();
    const bytes = Buffer.from(await scene.wearable.next());
    await scene.publisher.publishAsync(topicOf(scene.wearable), bytes, { qos: 1, retain: true });
    await eventually(() => expect(scene.readings()).toBe(1));
    expect(broker.view().retained).toBe(1);
    const heard: Buffer[] = [];
    await eventually(async () => {
      heard.length = 0;
      const nosy = await scene.join();
      nosy.on('message', (_topic, payload) => heard.push(payload));
      await nosy.subscribeAsync(topicOf(scene.wearable), { qos: 1 });
      await nosy.publishAsync('wearables/mark', 'x', { qos: 1 });
      expect(heard).toEqual([]);
    });
    await broker.close();
    await scene.opened();
    await scene.publish(scene.wearable, [await scene.wearable.next()]);
    await eventually(() => expect(scene.readings()).toBe(2));
    expect(scene.bench.verdicts.map(({ kind }) => kind)).toEqual(['accept', 'accept']);
  });

  test('of a QoS that the broker cannot keep are taken as well', async () => {
    const broker = await scene.opened();
    for (const qos of [0, 2] as const)
      await scene.publisher.publishAsync(topicOf(scene.wearable), Buffer.from(await scene.wearable.next()), {
        qos,
      });
    await eventually(() => expect(scene.readings()).toBe(2));
    await eventually(() => expect(broker.view().inFlight).toBe(0));
  });

  test('dealt to several connections keep the order of their device', async () => {
    const broker = await scene.opened({ connections: 3, receiveMaximum: 1000 });
    await scene.publish(scene.wearable, [await scene.wearable.next()]);
    for (let round = 0; round < 5; round++)
      await scene.publish(scene.wearable, await scene.wearable.skip(100));
    await eventually(() => expect(scene.readings()).toBe(501));
    expect(broker.view().sessions.map(({ connected }) => connected)).toEqual([true, true, true]);
    expect(scene.bench.gaps).toEqual([]);
    expect(
      scene.bench.verdicts.filter((verdict) => verdict.kind !== 'accept' || verdict.flags.length > 0),
    ).toEqual([]);
  });

  test('in a session that is configured no more are taken, and the session is ended', async () => {
    const three = await scene.opened({ connections: 3 });
    await three.close();
    await scene.publish(scene.wearable, await scene.wearable.skip(90)); // dealt to all three, though none is there
    const one = await scene.opened({ connections: 1 });
    await eventually(() => expect(scene.readings()).toBe(90));
    await eventually(() =>
      expect(
        scene.bench.logger.lines
          .filter(({ message }) => /no longer configured/.test(message))
          .map(({ fields }) => fields),
      ).toEqual([
        { broker: 'ward', session: 'vitalseal-test-2' },
        { broker: 'ward', session: 'vitalseal-test-3' },
      ]),
    );
    await scene.publish(scene.wearable, await scene.wearable.skip(30));
    await eventually(() => expect(scene.readings()).toBe(120));
    expect(one.view().received).toBeGreaterThanOrEqual(30);
  });

  test('a second gateway in the same group shows', async () => {
    const two = [await scene.opened(), scene.open()];
    await eventually(() =>
      expect(two.map((broker) => broker.view().sessions[0]?.lastError).join()).toContain(
        'does another client have the id vitalseal-test-1?',
      ),
    );
  });

  test('a broker that loses its memory is subscribed to again', async () => {
    const broker = await scene.opened();
    await scene.mosquitto.kill();
    writeFileSync(resolve(scene.mosquitto.directory, 'mosquitto.db'), '');
    await scene.mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ connected: 1, reconnects: 1 }));
    scene.publisher = await scene.join();
    await scene.publish(scene.wearable, [await scene.wearable.next()]);
    await eventually(() => expect(scene.readings()).toBe(1));
    expect(scene.bench.logger.text()).toContain('the broker has forgotten the session');
  });

  describe('the answers', () => {
    async function listen(topic: string): Promise<Uint8Array[]> {
      const heard: Uint8Array[] = [];
      const client = await scene.join();
      client.on('message', (_topic, payload) => heard.push(Uint8Array.from(payload)));
      await client.subscribeAsync(topic, { qos: 1 });
      return heard;
    }

    test('tell each device what became of its statements', async () => {
      await scene.opened();
      const heard = await listen(`wearables/${scene.wearable.urn}/acks`);
      const first = await scene.wearable.next();
      await scene.publish(scene.wearable, [first]);
      await scene.publish(scene.wearable, [first]);
      await scene.publish(scene.wearable, [spoil(await scene.wearable.next())]);
      await eventually(() => expect(heard).toHaveLength(3));
      expect(heard.map((bytes) => Object.fromEntries(decodeCbor(bytes) as Map<string, unknown>))).toEqual([
        { verdict: 'accept', seq: 0, boot: 0, index: 1 },
        { verdict: 'ignore', seq: 0, boot: 0, code: 'duplicate', index: 1 },
        { verdict: 'reject', seq: 1, boot: 0, code: 'bad-signature', entry: expect.any(Uint8Array) },
      ]);
    });

    test('can be left out', async () => {
      await scene.opened({ answers: false });
      const heard = await listen('wearables/+/acks');
      await scene.publish(scene.wearable, [await scene.wearable.next()]);
      await eventually(() => expect(scene.readings()).toBe(1));
      await scene.publisher.publishAsync(`wearables/${scene.wearable.urn}/acks`, 'mark', { qos: 1 });
      await eventually(() => expect(heard).toHaveLength(1));
    });

    test('ask for what is missing, and carry the beacon to who comes later; both outlast a broker that is away', async () => {
      const broker = await scene.opened();
      const requests = `wearables/${scene.wearable.urn}/requests`;
      const reader = { clientId: 'reader', clean: false } as const;
      const client = await scene.join(reader);
      await client.subscribeAsync(requests, { qos: 1 });
      await client.endAsync();
      await scene.mosquitto.stop();
      await eventually(() => expect(broker.view().connected).toBe(0));
      broker.publishBeacon({ blockNumber: 1n, blockHash: new Uint8Array(32).fill(1) }, 1_700_000_000);
      broker.publishBeacon({ blockNumber: 2n, blockHash: new Uint8Array(32).fill(2) }, 1_700_000_012);
      for (let from = 0; from < 150; from++)
        broker.requestResend(scene.wearable.urn, [{ boot: 0, from, to: from }]);
      await scene.mosquitto.restart();
      await eventually(() => expect(broker.view().connected).toBe(1));
      const beacon = await listen('wearables/beacon');
      await eventually(() => expect(beacon).toHaveLength(1));
      expect(decodeCbor(beacon[0] as Uint8Array)).toEqual([2, new Uint8Array(32).fill(2), 1_700_000_012]);
      const heard: Uint8Array[] = [];
      const back = connect(scene.mosquitto.url, { protocolVersion: 4, ...reader });
      scene.clients.push(back);
      back.on('message', (_topic, payload) => heard.push(Uint8Array.from(payload)));
      await eventually(() => expect(heard).toHaveLength(150));
      expect(heard.map((bytes) => decodeCbor(bytes))).toEqual(
        Array.from({ length: 150 }, (_, from) => new Map([['resend', [[0, from, from]]]])),
      );
    });
  });
});
