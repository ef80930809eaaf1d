import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CborValue, decodeCbor } from '../../src/cbor.ts';
import { hashEntry } from '../../src/statement.ts';
import { openDatabase } from '../store/database.ts';
import { BrokerBench } from '../testing/broker-bench.ts';
import { lockInWorker } from '../testing/lock-worker.ts';
import {
  CONNACK,
  connectPacket,
  frame,
  PUBACK,
  PUBLISH,
  publishPacket,
  type RawConnect,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
  unsubscribePacket,
} from '../testing/raw-mqtt.ts';
import { heartRate, spoil, Wearable } from '../testing/wearable.ts';

let bench: BrokerBench;
let wearable: Wearable;
let other: Wearable;

beforeEach(async () => {
  bench = await BrokerBench.start();
  wearable = new Wearable(1);
  other = new Wearable(2);
  await bench.bench.enrol(wearable);
  await bench.bench.enrol(other, 'p-2');
});

afterEach(() => bench.close());

const statementsOf = (device: Wearable) => `wearables/${device.urn}/statements`;
const acksOf = (device: Wearable) => `wearables/${device.urn}/acks`;
const readings = () => bench.bench.count('entries', "kind = 'statement'");
const refusals = () => bench.bench.log.quarantine.list(100).map((row) => row.code);

/** Another device sends and is acknowledged: nobody was harmed. */
async function expectUnharmed(): Promise<void> {
  const link = await bench.join(other, `bystander ${Math.random()}`);
  const before = readings();
  link.send(publishPacket(statementsOf(other), await other.next(), { id: 77 }));
  expect((await link.receive(PUBACK)).body.readUInt16BE(0)).toBe(77);
  expect(readings()).toBe(before + 1);
  link.destroy();
}

function answerOf(packet: Parameters<typeof readPublish>[0]): Record<string, CborValue> {
  return Object.fromEntries(decodeCbor(readPublish(packet).payload) as Map<string, CborValue>);
}

describe('acknowledgements', () => {
  test('PUBACK comes after the statement is in the log, with its packet id', async () => {
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), await wearable.next(), { id: 4711 }));
    expect((await link.receive(PUBACK)).body).toEqual(Buffer.from([4711 >> 8, 4711 & 0xff]));
    expect(readings()).toBe(1);
  });

  test('no PUBACK while the database is locked: the socket closes, and the statement sent again is taken', async () => {
    bench.bench.db.pragma('busy_timeout = 20');
    const holder = openDatabase(`${bench.bench.folder}/gateway.db`, []);
    holder.exec('BEGIN IMMEDIATE');
    const bytes = await wearable.next();
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), bytes));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(bench.closes).toEqual(['gateway-failure']);
    expect(readings()).toBe(0);
    holder.exec('COMMIT');
    holder.close();
    const again = await bench.join(wearable);
    again.send(publishPacket(statementsOf(wearable), bytes, { dup: true }));
    await again.receive(PUBACK);
    expect(readings()).toBe(1);
  });

  test('a commit that waits for the lock holds the PUBACK back until the lock is released', async () => {
    const lock = await lockInWorker(`${bench.bench.folder}/gateway.db`);
    const commit = bench.bench.log.writer.commit.bind(bench.bench.log.writer);
    vi.spyOn(bench.bench.log.writer, 'commit').mockImplementation((batch) => {
      lock.releaseSoon();
      return commit(batch);
    });
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), await wearable.next()));
    await link.receive(PUBACK);
    expect(lock.isReleased()).toBe(true);
    expect(readings()).toBe(1);
    await lock.end();
  });

  test('many messages of one socket read are one commit, and each has its PUBACK', async () => {
    const link = await bench.join(wearable);
    const statements = await wearable.skip(40);
    bench.bench.commits.length = 0;
    link.send(
      Buffer.concat(
        statements.map((bytes, i) => publishPacket(statementsOf(wearable), bytes, { id: i + 1 })),
      ),
    );
    const ids = new Set<number>();
    while (ids.size < 40) ids.add((await link.receive(PUBACK)).body.readUInt16BE(0));
    expect(readings()).toBe(40);
    expect(bench.bench.commits.length).toBeLessThanOrEqual(3);
  });

  test.each([0, 2])('a statement sent with QoS %i is taken as well', async (qos) => {
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), await wearable.next(), { qos, id: 5 }));
    await vi.waitFor(() => expect(readings()).toBe(1));
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
    const link = await bench.join(device, 'listener');
    link.send(subscribePacket([acksOf(device), `wearables/${device.urn}/requests`, 'wearables/beacon']));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([1, 1, 1]));
    return link;
  }

  test('tell what became of each statement', async () => {
    const link = await listen(wearable);
    const first = await wearable.next({ payload: heartRate(999) });
    const forged = spoil(await wearable.sign({ seq: 1 }));
    const messages = [first, first, forged, Uint8Array.of(1)];
    const answers: object[] = [];
    for (const bytes of messages) {
      link.send(publishPacket(statementsOf(wearable), bytes));
      await link.receive(PUBACK);
      const packet = await link.receive(PUBLISH);
      expect(readPublish(packet)).toMatchObject({ topic: acksOf(wearable), retain: false });
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
    const link = await listen(wearable);
    await wearable.skip(3);
    link.send(publishPacket(statementsOf(wearable), await wearable.next()));
    const heard = [readPublish(await link.receive(PUBLISH)), readPublish(await link.receive(PUBLISH))];
    const request = heard.find(({ topic }) => topic === `wearables/${wearable.urn}/requests`);
    expect(decodeCbor(request?.payload as Uint8Array)).toEqual(new Map([['resend', [[0, 0, 2]]]]));
  });

  test('go to their device alone', async () => {
    const [link, stranger] = [await listen(wearable), await listen(other)];
    link.send(publishPacket(statementsOf(wearable), await wearable.next()));
    await link.receive(PUBLISH);
    await stranger.roundTrip();
    expect(stranger.packets).toEqual([]);
  });

  test('the beacon is retained: whoever comes later hears it', async () => {
    bench.broker.publishBeacon({ blockNumber: 9n, blockHash: new Uint8Array(32).fill(9) }, 1_700_000_000);
    const link = await listen(wearable);
    const heard = readPublish(await link.receive(PUBLISH));
    expect(heard).toMatchObject({ topic: 'wearables/beacon', retain: true });
    expect(decodeCbor(heard.payload)).toEqual([9, new Uint8Array(32).fill(9), 1_700_000_000]);
  });
});

describe('what a device may not do', () => {
  test.each([
    ['another device’s topic', () => statementsOf(other)],
    ['its own acks', () => acksOf(wearable)],
    ['the beacon', () => 'wearables/beacon'],
    ['a system topic', () => '$SYS/x'],
    ['a level more', () => `${statementsOf(wearable)}/x`],
    ['an empty level', () => `/${statementsOf(wearable)}`],
    ['U+0000 in the topic', () => `wearables/${wearable.urn}\u0000/statements`],
    ['another case', () => `Wearables/${wearable.urn}/statements`],
  ])('publish to %s: closed without PUBACK, nothing kept, nobody else harmed', async (_name, topic) => {
    const link = await bench.join(wearable);
    link.send(publishPacket(topic(), await wearable.next()));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(readings()).toBe(0);
    expect(refusals()).toEqual([]);
    await expectUnharmed();
  });

  test.each([
    ['a wildcard', '#'],
    ['one level of wildcard', 'wearables/+/statements'],
    ['system topics', '$SYS/#'],
    ['its own statements', 'wearables/urn:dev:mac:000000000001/statements'],
    ['another’s statements', 'wearables/urn:dev:mac:000000000002/statements'],
    ['another’s acks', 'wearables/urn:dev:mac:000000000002/acks'],
    ['another’s requests', 'wearables/urn:dev:mac:000000000002/requests'],
  ])('subscribe to %s', async (_name, filter) => {
    const link = await bench.join(wearable);
    link.send(subscribePacket([filter, acksOf(wearable)]));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([0x80, 1]));
    const sender = await bench.join(other);
    sender.send(publishPacket(statementsOf(other), await other.next()));
    await sender.receive(PUBACK);
    await link.roundTrip();
    expect(link.packets).toEqual([]);
  });

  test('a refused subscription does not come back to life in a session kept over a reconnection', async () => {
    const spy = { clientId: 'spy', username: wearable.urn, clean: false };
    const link = await RawMqtt.join(bench.port, spy);
    link.send(subscribePacket([statementsOf(other), acksOf(wearable)]));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([0x80, 1]));
    link.destroy();
    await vi.waitFor(() => expect(bench.connections).toBe(0));
    const sender = await bench.join(other);
    sender.send(publishPacket(statementsOf(other), await other.next()));
    await sender.receive(PUBACK);
    await sender.roundTrip();
    const again = await RawMqtt.join(bench.port, spy);
    await again.roundTrip();
    expect(again.packets).toEqual([]);
  });

  test('leave a session behind: nothing is gathered in memory for a device that is away', async () => {
    const link = await RawMqtt.join(bench.port, { clientId: 'away', username: wearable.urn, clean: false });
    link.send(subscribePacket(['wearables/beacon', `wearables/${wearable.urn}/requests`]));
    await link.receive(SUBACK);
    link.destroy();
    await vi.waitFor(() => expect(bench.connections).toBe(0));
    for (let block = 1n; block <= 20n; block++)
      bench.broker.publishBeacon({ blockNumber: block, blockHash: new Uint8Array(32) }, 5);
    const again = await RawMqtt.open(bench.port);
    again.send(connectPacket({ clientId: 'away', username: wearable.urn, clean: false }));
    const connack = await again.receive(CONNACK);
    await again.roundTrip();
    expect(connack.body).toEqual(Buffer.from([0, 0])); // no session present
    expect(again.packets).toEqual([]);
  });

  test('a retained statement is taken and not kept', async () => {
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), await wearable.next(), { retain: true }));
    await link.receive(PUBACK);
    link.send(subscribePacket([acksOf(wearable)]));
    await link.receive(SUBACK);
    await link.roundTrip();
    expect(link.packets).toEqual([]);
    expect(readings()).toBe(1);
  });

  test('push another device off by taking its client id', async () => {
    const victim = await RawMqtt.join(bench.port, { clientId: 'watch', username: other.urn });
    const attacker = await RawMqtt.join(bench.port, { clientId: 'watch', username: wearable.urn });
    await attacker.roundTrip();
    victim.send(publishPacket(statementsOf(other), await other.next()));
    await victim.receive(PUBACK);
    const own = await RawMqtt.join(bench.port, { clientId: 'watch', username: other.urn });
    await victim.closed; // the same device again: the older connection goes [MQTT-3.1.4-2]
    await own.roundTrip();
  });
});

describe('CONNECT', () => {
  const good = (): RawConnect => ({ clientId: 'c', username: wearable.urn });
  const lone = Buffer.from([0x61, 0xed, 0xa0, 0x80]); // CESU-8 of a lone surrogate
  const cases: [string, () => RawConnect][] = [
    ['no user name', () => ({ clientId: 'c' })],
    ['an empty user name', () => ({ ...good(), username: '' })],
    ['a user name that is no URN', () => ({ ...good(), username: 'alice' })],
    ['U+0000 in the user name', () => ({ ...good(), username: `${wearable.urn}\u0000` })],
    ['a line break in the user name', () => ({ ...good(), username: `${wearable.urn}\n` })],
    ['a topic separator in the user name', () => ({ ...good(), username: `${wearable.urn}/x` })],
    ['a wildcard as user name', () => ({ ...good(), username: '+' })],
    ['a surrogate in the user name', () => ({ ...good(), username: lone })],
    ['U+0000 in the client id', () => ({ ...good(), clientId: 'a\u0000b' })],
    ['a control character in the client id', () => ({ ...good(), clientId: 'a\u001b[2Jb' })],
    ['a C1 control character in the client id', () => ({ ...good(), clientId: 'a\u0085b' })],
    ['a surrogate in the client id', () => ({ ...good(), clientId: lone })],
    ['ill-formed UTF-8 in the client id', () => ({ ...good(), clientId: Uint8Array.of(0x61, 0xff) })],
    ['an overlong form in the client id', () => ({ ...good(), clientId: Uint8Array.of(0xc0, 0xaf) })],
    ['ill-formed UTF-8 in the user name', () => ({ ...good(), username: Uint8Array.of(0x75, 0x80) })],
    [
      'ill-formed UTF-8 in the topic of the will',
      () => ({ ...good(), will: { topic: lone, payload: new Uint8Array(1), qos: 1 } }),
    ],
    ['no client id, but a session to keep', () => ({ ...good(), clientId: '', clean: false })],
    ['a client id of 257 characters', () => ({ ...good(), clientId: 'x'.repeat(257) })],
    [
      'a will of QoS 3',
      () => ({ ...good(), will: { topic: statementsOf(wearable), payload: new Uint8Array(1), qos: 3 } }),
    ],
    [
      'a will for another device',
      () => ({ ...good(), will: { topic: statementsOf(other), payload: new Uint8Array(1), qos: 1 } }),
    ],
    [
      'a will on the beacon',
      () => ({ ...good(), will: { topic: 'wearables/beacon', payload: new Uint8Array(1), qos: 1 } }),
    ],
    ['MQTT 5', () => ({ ...good(), protocolLevel: 5 })],
  ];

  test.each(cases)('%s is refused, before anything is derived from it', async (_name, fields) => {
    const link = await RawMqtt.open(bench.port);
    link.send(connectPacket(fields()));
    await link.closed;
    const connack = link.packets.find((packet) => packet.type === CONNACK);
    expect(connack?.body[1] ?? 'closed').not.toBe(0);
    expect(bench.connections).toBe(0);
    await expectUnharmed();
  });

  test.each([
    ['names of the language', '__proto__'],
    ['another', 'constructor'],
    ['no client id', ''],
    ['256 characters', 'x'.repeat(256)],
  ])('a client id is no more than a name: %s', async (_name, clientId) => {
    const link = await RawMqtt.join(bench.port, { clientId, username: wearable.urn });
    link.send(publishPacket(statementsOf(wearable), await wearable.next()));
    await link.receive(PUBACK);
    await expectUnharmed();
  });

  test('what is refused leaves no control character in the log lines', async () => {
    const link = await RawMqtt.open(bench.port);
    link.send(connectPacket({ clientId: 'a\u001b[2J', username: `${wearable.urn}\u001b` }));
    await link.closed;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(bench.bench.logger.text()).not.toMatch(/\u001b|\\u001b/);
  });

  test('connections beyond the bound are dropped and counted', async () => {
    await bench.close();
    bench = await BrokerBench.start({ maxConnections: 2 });
    await bench.bench.enrol(other);
    const first = await bench.join('urn:dev:os:1-a');
    await bench.join('urn:dev:os:1-b');
    const third = await RawMqtt.open(bench.port);
    await third.closed;
    expect(bench.closes).toEqual(['too-many-connections']);
    first.destroy();
    await vi.waitFor(() => expect(bench.connections).toBe(1));
    await expectUnharmed();
  });
});

describe('the will', () => {
  test('may be a statement of the device, taken when its connection breaks', async () => {
    const payload = await wearable.next();
    const will = { topic: statementsOf(wearable), payload, qos: 1, retain: true };
    const link = await RawMqtt.join(bench.port, { clientId: 'c', username: wearable.urn, will });
    link.destroy();
    await vi.waitFor(() => expect(readings()).toBe(1));
    await expectUnharmed();
  });

  test('a bad one is quarantined like any other statement', async () => {
    const will = { topic: statementsOf(wearable), payload: Uint8Array.of(1, 2, 3), qos: 1 };
    const link = await RawMqtt.join(bench.port, { clientId: 'c', username: wearable.urn, will });
    link.destroy();
    await vi.waitFor(() => expect(refusals()).toEqual(['malformed']));
    await expectUnharmed();
  });
});

describe('hostile bytes', () => {
  test('packet id 0 is abuse: closed, nothing kept', async () => {
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), await wearable.next(), { id: 0 }));
    await link.closed;
    expect([readings(), link.packets.length]).toEqual([0, 0]);
    await expectUnharmed();
  });

  test('a packet announced with 200 MB is cut off before anything of it is gathered', async () => {
    const link = await bench.join(wearable);
    const before = process.memoryUsage().rss;
    link.send(Buffer.concat([Buffer.from([0x32]), Buffer.from([0x80, 0xd0, 0xac, 0x5f])]));
    await link.closed;
    expect(bench.closes).toEqual(['oversize']);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
    await expectUnharmed();
  });

  test('the same in the first packet, one byte at a time, before any CONNECT', async () => {
    const link = await RawMqtt.open(bench.port);
    link.socket.setNoDelay(true);
    for (const byte of [0x10, 0xff, 0xff, 0xff, 0x7f]) link.send(Uint8Array.of(byte));
    await link.closed;
    expect(bench.closes).toEqual(['oversize']);
  });

  test('a remaining length of five bytes is no length', async () => {
    const link = await bench.join(wearable);
    link.send(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]));
    await link.closed;
    await expectUnharmed();
  });

  test.each([
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['zeros', Buffer.alloc(1000)],
    ['ones', Buffer.alloc(1000, 0xff)],
    ['PUBLISH before CONNECT', publishPacket('wearables/x/statements', new Uint8Array(3))],
    ['CONNECT with a broken body', frame(0x10, Buffer.from([0, 4, 0x4d, 0x51]))],
  ])('%s instead of CONNECT', async (_name, bytes) => {
    const link = await RawMqtt.open(bench.port);
    link.send(bytes);
    link.socket.end();
    await link.closed;
    expect(readings()).toBe(0);
    await expectUnharmed();
  });

  test.each([
    ['a second CONNECT', connectPacket({ clientId: 'again', username: 'urn:dev:mac:000000000002' })],
    ['SUBSCRIBE without filters', frame(0x82, Buffer.from([0, 1]))],
    ['SUBSCRIBE with QoS 3', frame(0x82, Buffer.from([0, 1, 0, 1, 0x61, 3]))],
    ['SUBSCRIBE with packet id 0', subscribePacket(['wearables/beacon'], 1, 0)],
    ['UNSUBSCRIBE without filters', frame(0xa2, Buffer.from([0, 1]))],
    ['PUBLISH of QoS 3', Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1])],
    ['PUBLISH with an empty topic', publishPacket('', new Uint8Array(1))],
    ['PUBLISH cut short', Buffer.from([0x32, 2, 0, 9])],
    ['a packet of type 15', Buffer.from([0xf0, 0])],
    ['a packet of type 0', Buffer.from([0, 0])],
    ['a CONNACK from the client', Buffer.from([0x20, 2, 0, 0])],
  ])('%s from a connected device harms nobody else', async (_name, bytes) => {
    const link = await bench.join(wearable);
    link.send(bytes);
    link.socket.end();
    await link.closed;
    expect(readings()).toBe(0);
    await expectUnharmed();
  });

  test('packets of any type with any body harm nobody else', async () => {
    const packet = fc
      .tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 }))
      .map(([first, body]) => frame(first, body));
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 6 }), async (packets) => {
        const link = await RawMqtt.join(bench.port, { clientId: 'fuzz', username: 'urn:dev:os:1-fuzz' });
        link.send(Buffer.concat(packets));
        link.socket.end();
        await link.closed;
        bench.bench.clock.advance(600_000); // no back-off from the run before
      }),
      { numRuns: 60 },
    );
    expect(readings()).toBe(0);
    await expectUnharmed();
  });

  test.each([
    ['PUBACK', 0x40],
    ['PUBREC', 0x50],
    ['PUBCOMP', 0x70],
  ])('a %s that nobody asked for is refused', async (_name, first) => {
    const link = await bench.join(wearable);
    link.send(Buffer.from([first, 2, 0x12, 0x34]));
    await link.closed;
    expect(bench.closes).toEqual(['bad-packet']);
    await expectUnharmed();
  });

  test('a PUBREL that nobody asked for is answered: its client may have lost the connection before PUBCOMP', async () => {
    const link = await bench.join(wearable);
    link.send(Buffer.from([0x62, 2, 0x12, 0x34]));
    expect((await link.receive(7)).body).toEqual(Buffer.from([0x12, 0x34]));
  });

  test('each message that is sent to a device is acknowledged once, and not twice', async () => {
    bench.broker.publishBeacon({ blockNumber: 9n, blockHash: new Uint8Array(32) }, 5);
    const link = await bench.join(wearable);
    link.send(subscribePacket(['wearables/beacon', `wearables/${wearable.urn}/requests`]));
    const heard = [await link.receive(PUBLISH)];
    bench.broker.requestResend(wearable.urn, [{ boot: 0, from: 1, to: 2 }]);
    heard.push(await link.receive(PUBLISH));
    const ids = heard.map(({ body }) => body.subarray(2 + body.readUInt16BE(0)).subarray(0, 2));
    expect(ids[0]).not.toEqual(ids[1]);
    for (const id of ids) link.send(frame(0x40, id));
    await link.roundTrip();
    link.send(frame(0x40, ids[0] as Buffer));
    await link.closed;
    expect(bench.closes).toEqual(['bad-packet']);
  });

  test('a subscription with QoS 0 is served with QoS 0, and after UNSUBSCRIBE not at all', async () => {
    const link = await bench.join(wearable);
    link.send(subscribePacket([`wearables/${wearable.urn}/requests`], 0));
    await link.receive(SUBACK);
    bench.broker.requestResend(wearable.urn, [{ boot: 0, from: 1, to: 2 }]);
    expect((await link.receive(PUBLISH)).flags).toBe(0);
    link.send(unsubscribePacket([`wearables/${wearable.urn}/requests`]));
    await link.roundTrip();
    bench.broker.requestResend(wearable.urn, [{ boot: 0, from: 3, to: 4 }]);
    await link.roundTrip();
    expect(link.packets.filter(({ type }) => type === PUBLISH)).toEqual([]);
  });
});

describe('abuse', () => {
  test('is answered with a back-off that grows, and good behaviour ends it', async () => {
    const stranger = new Wearable(9);
    const bytes = await stranger.next();
    const offend = async (): Promise<void> => {
      const link = await bench.join(stranger);
      link.send(publishPacket(statementsOf(stranger), bytes));
      await link.closed;
      expect(link.packets).toEqual([]);
    };
    const isLetIn = async (): Promise<boolean> => {
      const link = await RawMqtt.open(bench.port);
      link.send(connectPacket({ clientId: 'c', username: stranger.urn }));
      return (await link.receive(CONNACK)).body[1] === 0;
    };
    await offend();
    expect(bench.closes).toEqual(['unknown-device']);
    expect(await isLetIn()).toBe(false);
    expect(bench.closes.at(-1)).toBe('shut-out');
    bench.bench.clock.advance(999);
    expect(await isLetIn()).toBe(false);
    bench.bench.clock.advance(1);
    expect(await isLetIn()).toBe(true);
    await offend();
    bench.bench.clock.advance(1_999);
    expect(await isLetIn()).toBe(false);
    bench.bench.clock.advance(1);
    await bench.bench.enrol(stranger, 'p-9');
    const link = await bench.join(stranger);
    link.send(publishPacket(statementsOf(stranger), bytes));
    await link.receive(PUBACK);
    expect(refusals()).toEqual(['unknown-device']);
    link.send(publishPacket('nowhere', new Uint8Array(1)));
    await link.closed;
    const backOffs = bench.bench.logger.lines
      .filter(({ message }) => message === 'connection closed for abuse')
      .map(({ fields }) => (fields as { backOffMs: number }).backOffMs);
    expect(backOffs).toEqual([1000, 2000, 1000]);
    await expectUnharmed();
  });

  test('of one device shuts out no other from the same address', async () => {
    const link = await bench.join(wearable);
    link.send(publishPacket('nowhere', new Uint8Array(1)));
    await link.closed;
    await expectUnharmed();
  });

  test('a packet announced too long is abuse as well', async () => {
    const link = await bench.join(wearable);
    link.send(Buffer.from([0x32, 0x80, 0xd0, 0xac, 0x5f]));
    await link.closed;
    const again = await RawMqtt.open(bench.port);
    again.send(connectPacket({ clientId: 'c', username: wearable.urn }));
    await again.closed;
    expect(bench.closes).toEqual(['oversize', 'shut-out']);
    await expectUnharmed();
  });

  test('an oversize statement that can still be read is quarantined by its code and the socket closed', async () => {
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), new Uint8Array(5000)));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(refusals()).toEqual(['oversize']);
    expect(bench.closes).toEqual(['oversize']);
    await expectUnharmed();
  });
});

describe('stopping', () => {
  test('does not wait for connections that never said CONNECT, nor for any other', async () => {
    const silent = await RawMqtt.open(bench.port);
    const half = await RawMqtt.open(bench.port);
    half.send(Buffer.from([0x10]));
    const link = await bench.join(wearable);
    await bench.closeBroker();
    await Promise.all([silent.closed, half.closed, link.closed]);
  });

  test('a broker that never listened closes as well', async () => {
    const idle = new BrokerBench();
    await idle.close();
  });

  test('a busy port is named, with what to do', async () => {
    const second = new BrokerBench({
      endpoints: [{ host: '127.0.0.1', port: bench.port, setting: 'mqtt.port' }],
    });
    const error = await second.broker.listen().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'port-in-use', fatal: true });
    expect((error as Error).message.replace(String(bench.port), '<port>')).toMatchInlineSnapshot(
      `"MQTT port 127.0.0.1:<port> is in use; stop what holds it or set mqtt.port"`,
    );
    await second.close();
  });
});

test('a subscriber that reads nothing holds up nobody else', async () => {
  const deaf = await bench.join(other, 'deaf');
  deaf.send(subscribePacket([`wearables/${other.urn}/requests`]));
  await deaf.receive(SUBACK);
  deaf.socket.pause();
  const ranges = Array.from({ length: 2000 }, (_, at) => ({
    boot: at,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
  }));
  for (let i = 0; i < 500; i++) bench.broker.requestResend(other.urn, ranges);

  const link = await bench.join(wearable);
  const statements = await wearable.skip(60);
  const packets = statements.map((bytes, at) => publishPacket(statementsOf(wearable), bytes, { id: at + 1 }));
  link.send(Buffer.concat(packets.slice(0, 50)));
  for (let i = 0; i < 50; i++) await link.receive(PUBACK);
  for (const packet of packets.slice(50)) {
    link.send(packet);
    await link.receive(PUBACK);
  }
  expect(readings()).toBe(60);
  expect(bench.connections).toBe(2); // nor did it take cutting the deaf one off
  deaf.destroy();
});
