/** What is taken, what is acknowledged, and what devices hear. */
import { describe, expect, test, vi } from 'vitest';
import { type CborValue, decodeCbor } from '../../src/cbor.ts';
import { hashEntry } from '../../src/statement.ts';
import { openDatabase } from '../store/database.ts';
import { BrokerBench } from '../testing/broker-bench.ts';
import { lockInWorker } from '../testing/lock-worker.ts';
import {
  frame,
  PUBACK,
  PUBLISH,
  publishPacket,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { heartRate, spoil, type Wearable } from '../testing/wearable.ts';
import { acksOf, BrokerScene, statementsOf } from './testing/broker-scene.ts';

const scene = BrokerScene.use();

function answerOf(packet: Parameters<typeof readPublish>[0]): Record<string, CborValue> {
  return Object.fromEntries(decodeCbor(readPublish(packet).payload) as Map<string, CborValue>);
}

describe('acknowledgements', () => {
  test('PUBACK comes after the statement is in the log, with its packet id', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next(), { id: 4711 }));
    expect((await link.receive(PUBACK)).body).toEqual(Buffer.from([4711 >> 8, 4711 & 0xff]));
    expect(scene.readings()).toBe(1);
  });

  test('no PUBACK while the database is locked: the socket closes, and the statement sent again is taken', async () => {
    scene.bench.bench.db.pragma('busy_timeout = 20');
    const holder = openDatabase(`${scene.bench.bench.folder}/gateway.db`, []);
    holder.exec('BEGIN IMMEDIATE');
    const bytes = await scene.wearable.next();
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), bytes));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(scene.bench.closes).toEqual(['gateway-failure']);
    expect(scene.readings()).toBe(0);
    holder.exec('COMMIT');
    holder.close();
    const again = await scene.bench.join(scene.wearable);
    again.send(publishPacket(statementsOf(scene.wearable), bytes, { dup: true }));
    await again.receive(PUBACK);
    expect(scene.readings()).toBe(1);
  });

  test('a commit that waits for the lock holds the PUBACK back until the lock is released', async () => {
    const lock = await lockInWorker(`${scene.bench.bench.folder}/gateway.db`);
    const commit = scene.bench.bench.log.writer.commit.bind(scene.bench.bench.log.writer);
    vi.spyOn(scene.bench.bench.log.writer, 'commit').mockImplementation((batch) => {
      lock.releaseSoon();
      return commit(batch);
    });
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next()));
    await link.receive(PUBACK);
    expect(lock.isReleased()).toBe(true);
    expect(scene.readings()).toBe(1);
    await lock.end();
  });

  test('many messages of one socket read are one commit, and each has its PUBACK', async () => {
    const link = await scene.bench.join(scene.wearable);
    const statements = await scene.wearable.skip(40);
    scene.bench.bench.commits.length = 0;
    link.send(
      Buffer.concat(
        statements.map((bytes, i) => publishPacket(statementsOf(scene.wearable), bytes, { id: i + 1 })),
      ),
    );
    const ids = new Set<number>();
    while (ids.size < 40) ids.add((await link.receive(PUBACK)).body.readUInt16BE(0));
    expect(scene.readings()).toBe(40);
    expect(scene.bench.bench.commits.length).toBeLessThanOrEqual(3);
  });

  test.each([0, 2])('a statement sent with QoS %i is taken as well', async (qos) => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next(), { qos, id: 5 }));
    await vi.waitFor(() => expect(scene.readings()).toBe(1));
    if (qos === 2) {
      const pubrec = await link.receive(5);
      link.send(frame(0x62, pubrec.body));
      expect((await link.receive(7)).body).toEqual(pubrec.body);
    }
    await link.roundTrip();
  });
});

describe('the answers', () => {
  async function listen(device: Wearable): Promise<RawMqtt> {
    const link = await scene.bench.join(device, 'listener');
    link.send(subscribePacket([acksOf(device), `wearables/${device.urn}/requests`, 'wearables/beacon']));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([1, 1, 1]));
    return link;
  }

  test('tell what became of each statement', async () => {
    const link = await listen(scene.wearable);
    const first = await scene.wearable.next({ payload: heartRate(999) });
    const forged = spoil(await scene.wearable.sign({ seq: 1 }));
    const messages = [first, first, forged, Uint8Array.of(1)];
    const answers: object[] = [];
    for (const bytes of messages) {
      link.send(publishPacket(statementsOf(scene.wearable), bytes));
      await link.receive(PUBACK);
      const packet = await link.receive(PUBLISH);
      expect(readPublish(packet)).toMatchObject({ topic: acksOf(scene.wearable), retain: false });
      answers.push(answerOf(packet));
    }
    expect(answers).toEqual([
      { verdict: 'accept', seq: 0, boot: 0, flags: ['implausible'], index: 2 },
      { verdict: 'ignore', seq: 0, boot: 0, code: 'duplicate', index: 2 },
      { verdict: 'reject', seq: 1, boot: 0, code: 'bad-signature', entry: hashEntry(forged).subarray(0, 8) },
      { verdict: 'reject', code: 'malformed', entry: hashEntry(Uint8Array.of(1)).subarray(0, 8) },
    ]);
  });

  test('ask for what a gap left out', async () => {
    const link = await listen(scene.wearable);
    await scene.wearable.skip(3);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next()));
    const heard = [readPublish(await link.receive(PUBLISH)), readPublish(await link.receive(PUBLISH))];
    const request = heard.find(({ topic }) => topic === `wearables/${scene.wearable.urn}/requests`);
    expect(decodeCbor(request?.payload as Uint8Array)).toEqual(new Map([['resend', [[0, 0, 2]]]]));
  });

  test('go to their device alone', async () => {
    const [link, stranger] = [await listen(scene.wearable), await listen(scene.other)];
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next()));
    await link.receive(PUBLISH);
    await stranger.roundTrip();
    expect(stranger.packets).toEqual([]);
  });

  test('the beacon is retained: whoever comes later hears it', async () => {
    scene.bench.broker.publishBeacon(
      { blockNumber: 9n, blockHash: new Uint8Array(32).fill(9) },
      1_700_000_000,
    );
    const link = await listen(scene.wearable);
    const heard = readPublish(await link.receive(PUBLISH));
    expect(heard).toMatchObject({ topic: 'wearables/beacon', retain: true });
    expect(decodeCbor(heard.payload)).toEqual([9, new Uint8Array(32).fill(9), 1_700_000_000]);
  });
});

describe('the will', () => {
  test('may be a statement of the device, taken when its connection breaks', async () => {
    const payload = await scene.wearable.next();
    const will = { topic: statementsOf(scene.wearable), payload, qos: 1, retain: true };
    const link = await RawMqtt.join(scene.bench.port, { clientId: 'c', username: scene.wearable.urn, will });
    link.destroy();
    await vi.waitFor(() => expect(scene.readings()).toBe(1));
    await scene.expectUnharmed();
  });

  test('a bad one is quarantined like any other statement', async () => {
    const will = { topic: statementsOf(scene.wearable), payload: Uint8Array.of(1, 2, 3), qos: 1 };
    const link = await RawMqtt.join(scene.bench.port, { clientId: 'c', username: scene.wearable.urn, will });
    link.destroy();
    await vi.waitFor(() => expect(scene.refusals()).toEqual(['malformed']));
    await scene.expectUnharmed();
  });
});

describe('stopping', () => {
  test('does not wait for connections that never said CONNECT, nor for any other', async () => {
    const silent = await RawMqtt.open(scene.bench.port);
    const half = await RawMqtt.open(scene.bench.port);
    half.send(Buffer.from([0x10]));
    const link = await scene.bench.join(scene.wearable);
    await scene.bench.closeBroker();
    await Promise.all([silent.closed, half.closed, link.closed]);
  });

  test('a broker that never listened closes as well', async () => {
    const idle = new BrokerBench();
    await idle.close();
  });

  test('a busy port is named, with what to do', async () => {
    const second = new BrokerBench({
      endpoints: [{ host: '127.0.0.1', port: scene.bench.port, setting: 'mqtt.port' }],
    });
    const error = await second.broker.listen().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'port-in-use', fatal: true });
    expect((error as Error).message.replace(String(scene.bench.port), '<port>')).toMatchInlineSnapshot(
      `"MQTT port 127.0.0.1:<port> is in use; stop what holds it or set mqtt.port"`,
    );
    await second.close();
  });
});

test('a subscriber that reads nothing holds up nobody else', async () => {
  const deaf = await scene.bench.join(scene.other, 'deaf');
  deaf.send(subscribePacket([`wearables/${scene.other.urn}/requests`]));
  await deaf.receive(SUBACK);
  deaf.socket.pause();
  const ranges = Array.from({ length: 2000 }, (_, at) => ({
    boot: at,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
  }));
  for (let i = 0; i < 500; i++) scene.bench.broker.requestResend(scene.other.urn, ranges);

  const link = await scene.bench.join(scene.wearable);
  const statements = await scene.wearable.skip(60);
  const packets = statements.map((bytes, at) =>
    publishPacket(statementsOf(scene.wearable), bytes, { id: at + 1 }),
  );
  link.send(Buffer.concat(packets.slice(0, 50)));
  for (let i = 0; i < 50; i++) await link.receive(PUBACK);
  for (const packet of packets.slice(50)) {
    link.send(packet);
    await link.receive(PUBACK);
  }
  expect(scene.readings()).toBe(60);
  expect(scene.bench.connections).toBe(2); // nor did it take cutting the deaf one off
  deaf.destroy();
});
