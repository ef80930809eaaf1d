/** Who may connect, and what a device may publish and subscribe to. */
import { describe, expect, test, vi } from 'vitest';
import {
  CONNACK,
  connectPacket,
  PUBACK,
  publishPacket,
  type RawConnect,
  RawMqtt,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { acksOf, BrokerScene, statementsOf } from './testing/broker-scene.ts';

const scene = BrokerScene.use();

describe('what a device may not do', () => {
  test.each([
    ['another device’s topic', () => statementsOf(scene.other)],
    ['its own acks', () => acksOf(scene.wearable)],
    ['the beacon', () => 'wearables/beacon'],
    ['a system topic', () => '$SYS/x'],
    ['a level more', () => `${statementsOf(scene.wearable)}/x`],
    ['an empty level', () => `/${statementsOf(scene.wearable)}`],
    ['U+0000 in the topic', () => `wearables/${scene.wearable.urn}\u0000/statements`],
    ['another case', () => `Wearables/${scene.wearable.urn}/statements`],
  ])('publish to %s: closed without PUBACK, nothing kept, nobody else harmed', async (_name, topic) => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(topic(), await scene.wearable.next()));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(scene.readings()).toBe(0);
    expect(scene.refusals()).toEqual([]);
    await scene.expectUnharmed();
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
    const link = await scene.bench.join(scene.wearable);
    link.send(subscribePacket([filter, acksOf(scene.wearable)]));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([0x80, 1]));
    const sender = await scene.bench.join(scene.other);
    sender.send(publishPacket(statementsOf(scene.other), await scene.other.next()));
    await sender.receive(PUBACK);
    await link.roundTrip();
    expect(link.packets).toEqual([]);
  });

  test('a refused subscription does not come back to life in a session kept over a reconnection', async () => {
    const spy = { clientId: 'spy', username: scene.wearable.urn, clean: false };
    const link = await RawMqtt.join(scene.bench.port, spy);
    link.send(subscribePacket([statementsOf(scene.other), acksOf(scene.wearable)]));
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([0x80, 1]));
    link.destroy();
    await vi.waitFor(() => expect(scene.bench.connections).toBe(0));
    const sender = await scene.bench.join(scene.other);
    sender.send(publishPacket(statementsOf(scene.other), await scene.other.next()));
    await sender.receive(PUBACK);
    await sender.roundTrip();
    const again = await RawMqtt.join(scene.bench.port, spy);
    await again.roundTrip();
    expect(again.packets).toEqual([]);
  });

  test('leave a session behind: nothing is gathered in memory for a device that is away', async () => {
    const link = await RawMqtt.join(scene.bench.port, {
      clientId: 'away',
      username: scene.wearable.urn,
      clean: false,
    });
    link.send(subscribePacket(['wearables/beacon', `wearables/${scene.wearable.urn}/requests`]));
    await link.receive(SUBACK);
    link.destroy();
    await vi.waitFor(() => expect(scene.bench.connections).toBe(0));
    for (let block = 1n; block <= 20n; block++)
      scene.bench.broker.publishBeacon({ blockNumber: block, blockHash: new Uint8Array(32) }, 5);
    const again = await RawMqtt.open(scene.bench.port);
    again.send(connectPacket({ clientId: 'away', username: scene.wearable.urn, clean: false }));
    const connack = await again.receive(CONNACK);
    await again.roundTrip();
    expect(connack.body).toEqual(Buffer.from([0, 0])); // no session present
    expect(again.packets).toEqual([]);
  });

  test('a retained statement is taken and not kept', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next(), { retain: true }));
    await link.receive(PUBACK);
    link.send(subscribePacket([acksOf(scene.wearable)]));
    await link.receive(SUBACK);
    await link.roundTrip();
    expect(link.packets).toEqual([]);
    expect(scene.readings()).toBe(1);
  });

  test('push another device off by taking its client id', async () => {
    const victim = await RawMqtt.join(scene.bench.port, { clientId: 'watch', username: scene.other.urn });
    const attacker = await RawMqtt.join(scene.bench.port, {
      clientId: 'watch',
      username: scene.wearable.urn,
    });
    await attacker.roundTrip();
    victim.send(publishPacket(statementsOf(scene.other), await scene.other.next()));
    await victim.receive(PUBACK);
    const own = await RawMqtt.join(scene.bench.port, { clientId: 'watch', username: scene.other.urn });
    await victim.closed; // the same device again: the older connection goes [MQTT-3.1.4-2]
    await own.roundTrip();
  });
});

describe('CONNECT', () => {
  const good = (): RawConnect => ({ clientId: 'c', username: scene.wearable.urn });
  const lone = Buffer.from([0x61, 0xed, 0xa0, 0x80]); // CESU-8 of a lone surrogate
  const cases: [string, () => RawConnect][] = [
    ['no user name', () => ({ clientId: 'c' })],
    ['an empty user name', () => ({ ...good(), username: '' })],
    ['a user name that is no URN', () => ({ ...good(), username: 'alice' })],
    ['U+0000 in the user name', () => ({ ...good(), username: `${scene.wearable.urn}\u0000` })],
    ['a line break in the user name', () => ({ ...good(), username: `${scene.wearable.urn}\n` })],
    ['a topic separator in the user name', () => ({ ...good(), username: `${scene.wearable.urn}/x` })],
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
      () => ({
        ...good(),
        will: { topic: statementsOf(scene.wearable), payload: new Uint8Array(1), qos: 3 },
      }),
    ],
    [
      'a will for another device',
      () => ({ ...good(), will: { topic: statementsOf(scene.other), payload: new Uint8Array(1), qos: 1 } }),
    ],
    [
      'a will on the beacon',
      () => ({ ...good(), will: { topic: 'wearables/beacon', payload: new Uint8Array(1), qos: 1 } }),
    ],
    ['MQTT 5', () => ({ ...good(), protocolLevel: 5 })],
  ];

  test.each(cases)('%s is refused, before anything is derived from it', async (_name, fields) => {
    const link = await RawMqtt.open(scene.bench.port);
    link.send(connectPacket(fields()));
    await link.closed;
    const connack = link.packets.find((packet) => packet.type === CONNACK);
    expect(connack?.body[1] ?? 'closed').not.toBe(0);
    expect(scene.bench.connections).toBe(0);
    await scene.expectUnharmed();
  });

  test.each([
    ['names of the language', '__proto__'],
    ['another', 'constructor'],
    ['no client id', ''],
    ['256 characters', 'x'.repeat(256)],
  ])('a client id is no more than a name: %s', async (_name, clientId) => {
    const link = await RawMqtt.join(scene.bench.port, { clientId, username: scene.wearable.urn });
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next()));
    await link.receive(PUBACK);
    await scene.expectUnharmed();
  });

  test('what is refused leaves no control character in the log lines', async () => {
    const link = await RawMqtt.open(scene.bench.port);
    link.send(connectPacket({ clientId: 'a\u001b[2J', username: `${scene.wearable.urn}\u001b` }));
    await link.closed;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(scene.bench.bench.logger.text()).not.toMatch(/\u001b|\\u001b/);
  });

  test('connections beyond the bound are dropped and counted', async () => {
    await scene.restart({ maxConnections: 2 });
    const first = await scene.bench.join('urn:dev:os:1-a');
    await scene.bench.join('urn:dev:os:1-b');
    const third = await RawMqtt.open(scene.bench.port);
    await third.closed;
    expect(scene.bench.closes).toEqual(['too-many-connections']);
    first.destroy();
    await vi.waitFor(() => expect(scene.bench.connections).toBe(1));
    await scene.expectUnharmed();
  });
});
