/** Clients that break the protocol: what becomes of them, and that nobody else is harmed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CONNACK,
  connectPacket,
  frame,
  PUBACK,
  PUBLISH,
  publishPacket,
  RawMqtt,
  SUBACK,
  subscribePacket,
  unsubscribePacket,
} from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';
import { BrokerScene, statementsOf } from './testing/broker-scene.ts';

const scene = BrokerScene.use();

describe('hostile bytes', () => {
  test('packet id 0 is abuse: closed, nothing kept', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), await scene.wearable.next(), { id: 0 }));
    await link.closed;
    expect([scene.readings(), link.packets.length]).toEqual([0, 0]);
    await scene.expectUnharmed();
  });

  test('a packet announced with 200 MB is cut off before anything of it is gathered', async () => {
    const link = await scene.bench.join(scene.wearable);
    const before = process.memoryUsage().rss;
    link.send(Buffer.concat([Buffer.from([0x32]), Buffer.from([0x80, 0xd0, 0xac, 0x5f])]));
    await link.closed;
    expect(scene.bench.closes).toEqual(['oversize']);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
    await scene.expectUnharmed();
  });

  test('the same in the first packet, one byte at a time, before any CONNECT', async () => {
    const link = await RawMqtt.open(scene.bench.port);
    link.socket.setNoDelay(true);
    for (const byte of [0x10, 0xff, 0xff, 0xff, 0x7f]) link.send(Uint8Array.of(byte));
    await link.closed;
    expect(scene.bench.closes).toEqual(['oversize']);
  });

  test('a remaining length of five bytes is no length', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]));
    await link.closed;
    await scene.expectUnharmed();
  });

  test.each([
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['zeros', Buffer.alloc(1000)],
    ['ones', Buffer.alloc(1000, 0xff)],
    ['PUBLISH before CONNECT', publishPacket('wearables/x/statements', new Uint8Array(3))],
    ['CONNECT with a broken body', frame(0x10, Buffer.from([0, 4, 0x4d, 0x51]))],
  ])('%s instead of CONNECT', async (_name, bytes) => {
    const link = await RawMqtt.open(scene.bench.port);
    link.send(bytes);
    link.socket.end();
    await link.closed;
    expect(scene.readings()).toBe(0);
    await scene.expectUnharmed();
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
    const link = await scene.bench.join(scene.wearable);
    link.send(bytes);
    link.socket.end();
    await link.closed;
    expect(scene.readings()).toBe(0);
    await scene.expectUnharmed();
  });

  test('packets of any type with any body harm nobody else', async () => {
    const packet = fc
      .tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 }))
      .map(([first, body]) => frame(first, body));
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 6 }), async (packets) => {
        const link = await RawMqtt.join(scene.bench.port, {
          clientId: 'fuzz',
          username: 'urn:dev:os:1-fuzz',
        });
        link.send(Buffer.concat(packets));
        link.socket.end();
        await link.closed;
        scene.bench.bench.clock.advance(600_000); // no back-off from the run before
      }),
      { numRuns: 60 },
    );
    expect(scene.readings()).toBe(0);
    await scene.expectUnharmed();
  });

  test.each([
    ['PUBACK', 0x40],
    ['PUBREC', 0x50],
    ['PUBCOMP', 0x70],
  ])('a %s that nobody asked for is refused', async (_name, first) => {
    const link = await scene.bench.join(scene.wearable);
    link.send(Buffer.from([first, 2, 0x12, 0x34]));
    await link.closed;
    expect(scene.bench.closes).toEqual(['bad-packet']);
    await scene.expectUnharmed();
  });

  test('a PUBREL that nobody asked for is answered: its client may have lost the connection before PUBCOMP', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(Buffer.from([0x62, 2, 0x12, 0x34]));
    expect((await link.receive(7)).body).toEqual(Buffer.from([0x12, 0x34]));
  });

  test('each message that is sent to a device is acknowledged once, and not twice', async () => {
    scene.bench.broker.publishBeacon({ blockNumber: 9n, blockHash: new Uint8Array(32) }, 5);
    const link = await scene.bench.join(scene.wearable);
    link.send(subscribePacket(['wearables/beacon', `wearables/${scene.wearable.urn}/requests`]));
    const heard = [await link.receive(PUBLISH)];
    scene.bench.broker.requestResend(scene.wearable.urn, [{ boot: 0, from: 1, to: 2 }]);
    heard.push(await link.receive(PUBLISH));
    const ids = heard.map(({ body }) => body.subarray(2 + body.readUInt16BE(0)).subarray(0, 2));
    expect(ids[0]).not.toEqual(ids[1]);
    for (const id of ids) link.send(frame(0x40, id));
    await link.roundTrip();
    link.send(frame(0x40, ids[0] as Buffer));
    await link.closed;
    expect(scene.bench.closes).toEqual(['bad-packet']);
  });

  test('a subscription with QoS 0 is served with QoS 0, and after UNSUBSCRIBE not at all', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(subscribePacket([`wearables/${scene.wearable.urn}/requests`], 0));
    await link.receive(SUBACK);
    scene.bench.broker.requestResend(scene.wearable.urn, [{ boot: 0, from: 1, to: 2 }]);
    expect((await link.receive(PUBLISH)).flags).toBe(0);
    link.send(unsubscribePacket([`wearables/${scene.wearable.urn}/requests`]));
    await link.roundTrip();
    scene.bench.broker.requestResend(scene.wearable.urn, [{ boot: 0, from: 3, to: 4 }]);
    await link.roundTrip();
    expect(link.packets.filter(({ type }) => type === PUBLISH)).toEqual([]);
  });
});

describe('abuse', () => {
  test('is answered with a back-off that grows, and good behaviour ends it', async () => {
    const stranger = new Wearable(9);
    const bytes = await stranger.next();
    const offend = async (): Promise<void> => {
      const link = await scene.bench.join(stranger);
      link.send(publishPacket(statementsOf(stranger), bytes));
      await link.closed;
      expect(link.packets).toEqual([]);
    };
    const isLetIn = async (): Promise<boolean> => {
      const link = await RawMqtt.open(scene.bench.port);
      link.send(connectPacket({ clientId: 'c', username: stranger.urn }));
      return (await link.receive(CONNACK)).body[1] === 0;
    };
    await offend();
    expect(scene.bench.closes).toEqual(['unknown-device']);
    expect(await isLetIn()).toBe(false);
    expect(scene.bench.closes.at(-1)).toBe('shut-out');
    scene.bench.bench.clock.advance(999);
    expect(await isLetIn()).toBe(false);
    scene.bench.bench.clock.advance(1);
    expect(await isLetIn()).toBe(true);
    await offend();
    scene.bench.bench.clock.advance(1_999);
    expect(await isLetIn()).toBe(false);
    scene.bench.bench.clock.advance(1);
    await scene.bench.bench.enrol(stranger, 'p-9');
    const link = await scene.bench.join(stranger);
    link.send(publishPacket(statementsOf(stranger), bytes));
    await link.receive(PUBACK);
    expect(scene.refusals()).toEqual(['unknown-device']);
    link.send(publishPacket('nowhere', new Uint8Array(1)));
    await link.closed;
    const backOffs = scene.bench.bench.logger.lines
      .filter(({ message }) => message === 'connection closed for abuse')
      .map(({ fields }) => (fields as { backOffMs: number }).backOffMs);
    expect(backOffs).toEqual([1000, 2000, 1000]);
    await scene.expectUnharmed();
  });

  test('of one device shuts out no other from the same address', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket('nowhere', new Uint8Array(1)));
    await link.closed;
    await scene.expectUnharmed();
  });

  test('a packet announced too long is abuse as well', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(Buffer.from([0x32, 0x80, 0xd0, 0xac, 0x5f]));
    await link.closed;
    const again = await RawMqtt.open(scene.bench.port);
    again.send(connectPacket({ clientId: 'c', username: scene.wearable.urn }));
    await again.closed;
    expect(scene.bench.closes).toEqual(['oversize', 'shut-out']);
    await scene.expectUnharmed();
  });

  test('an oversize statement that can still be read is quarantined by its code and the socket closed', async () => {
    const link = await scene.bench.join(scene.wearable);
    link.send(publishPacket(statementsOf(scene.wearable), new Uint8Array(5000)));
    await link.closed;
    expect(link.packets).toEqual([]);
    expect(scene.refusals()).toEqual(['oversize']);
    expect(scene.bench.closes).toEqual(['oversize']);
    await scene.expectUnharmed();
  });
});
