import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  connectPacket,
  frame,
  PINGREQ_PACKET,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../testing/raw-mqtt.ts';
import { FrameBudget } from './frame-budget.ts';
import { type GuardFault, PacketGuard } from './packet-guard.ts';

const URN = 'urn:dev:mac:000000000001';
const TOPIC = `wearables/${URN}/statements`;
const CONNECT = connectPacket({ clientId: 'c', username: URN });

interface Bounds {
  readonly maxPacketBytes?: number;
  readonly maxInFlight?: number;
  readonly maxInFlightBytes?: number;
  readonly budget?: FrameBudget;
}

function freshGuard(bounds: Bounds = {}): PacketGuard {
  return new PacketGuard({
    maxPacketBytes: 100_000,
    maxInFlight: 1_000_000,
    maxInFlightBytes: Number.MAX_SAFE_INTEGER,
    budget: new FrameBudget(Number.MAX_SAFE_INTEGER),
    ...bounds,
  });
}

/** A guard whose client is connected. */
function openGuard(bounds: Bounds = {}): PacketGuard {
  const guard = freshGuard({ ...bounds });
  expect(guard.scan(CONNECT)).toBe(CONNECT.length);
  guard.open();
  return guard;
}

const faultOf = (guard: PacketGuard, bytes: Uint8Array): GuardFault['kind'] | undefined => {
  const passed = guard.scan(bytes);
  expect(passed === -1).toBe(guard.fault !== undefined);
  return guard.fault?.kind;
};

/** Feeds a stream in pieces of the given sizes, the last one as often as it takes. */
function scanInPieces(guard: PacketGuard, stream: Uint8Array, sizes: readonly number[]): string {
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[Math.min(turn, sizes.length - 1)] ?? 1;
    if (guard.scan(stream.subarray(at, at + size)) < 0) return guard.fault?.kind ?? '';
    at += size;
  }
  return guard.isInsidePacket ? 'inside' : 'ok';
}

const publishOf = (bodyBytes: number) => publishPacket('t', new Uint8Array(bodyBytes - 5).fill(0xff));
const acknowledgement = (first: number, id: number) => frame(first, Uint8Array.of(id >> 8, id & 0xff));
const text = (value: string | Uint8Array) => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
};

describe('lengths', () => {
  test('the limit is for the body, to the byte', () => {
    for (const limit of [5, 127, 128, 129, 16_383, 16_384, 2_097_152]) {
      // The guard's CONNECT has to fit too.
      const at = (length: number) => {
        const guard = freshGuard({ maxPacketBytes: Math.max(limit, 60) });
        guard.scan(CONNECT);
        guard.open();
        return faultOf(guard, publishOf(length));
      };
      if (limit < 60) expect(at(limit)).toBeUndefined();
      else expect([at(limit), at(limit + 1)]).toEqual([undefined, 'oversize']);
    }
  });

  test('a length is refused as soon as it is too much, before its last byte', () => {
    const guard = openGuard({ maxPacketBytes: 1000 });
    expect(faultOf(guard, Uint8Array.of(0x30))).toBeUndefined();
    expect(faultOf(guard, Uint8Array.of(0xff))).toBeUndefined();
    expect(faultOf(guard, Uint8Array.of(0xff))).toBe('oversize');
  });

  test('a length written in more than four bytes is refused, small as it may be', () => {
    expect(faultOf(openGuard(), Uint8Array.of(0x30, 0x85, 0x80, 0x80, 0x00))).toBeUndefined();
    expect(faultOf(openGuard(), Uint8Array.of(0x30, 0x85, 0x80, 0x80, 0x80, 0x00))).toBe('oversize');
  });

  test('a CONNECT or SUBSCRIBE is never as long as a statement may be', () => {
    expect(faultOf(freshGuard(), Buffer.concat([Uint8Array.of(0x10, 0x81, 0x40)]))).toBe('oversize');
    expect(faultOf(openGuard(), Uint8Array.of(0x82, 0xff, 0x3f))).toBe('oversize');
  });

  test('long packets of all connections share one budget, given back when each is complete or its connection closed', () => {
    const budget = new FrameBudget(10_000);
    const guard = () => openGuard({ budget });
    const begin = (length: number) => publishOf(length).subarray(0, 3);
    const [first, second, third] = [guard(), guard(), guard()] as const;
    expect(faultOf(first, begin(6_000))).toBeUndefined();
    expect(faultOf(second, begin(5_000))).toBe('overloaded');
    expect(faultOf(third, publishOf(4_096))).toBeUndefined(); // short ones are not counted
    expect(faultOf(first, publishOf(6_000).subarray(3))).toBeUndefined(); // complete
    const fourth = guard();
    expect(faultOf(fourth, begin(9_000))).toBeUndefined();
    expect(faultOf(guard(), begin(5_000))).toBe('overloaded');
    fourth.release(); // closed
    expect(faultOf(guard(), begin(5_000))).toBeUndefined();
  });
});

describe('any stream gives the same answer however it is cut', () => {
  const packet = fc.oneof(
    fc.integer({ min: 6, max: 260 }).map(publishOf),
    fc
      .record({ qos: fc.nat(2), id: fc.integer({ min: 1, max: 65_535 }), length: fc.nat(30) })
      .map(({ qos, id, length }) => publishPacket(TOPIC, new Uint8Array(length).fill(0xff), { qos, id })),
    fc.constant(subscribePacket([TOPIC, 'wearables/beacon'])),
    fc.constant(PINGREQ_PACKET),
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });

  test('whole packets, one too long among them or none', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 8 }), cuts, (packets, sizes) => {
        // Bodies of 0xff: a guard that loses its place takes them for headers.
        const stream = Buffer.concat(packets);
        const bodyOf = (bytes: Buffer) => bytes.length - (bytes.length > 129 ? 3 : 2);
        const expected = packets.every((bytes) => bodyOf(bytes) <= 200) ? 'ok' : 'oversize';
        expect(scanInPieces(openGuard({ maxPacketBytes: 200 }), stream, [stream.length])).toBe(expected);
        expect(scanInPieces(openGuard({ maxPacketBytes: 200 }), stream, sizes)).toBe(expected);
      }),
    );
  });

  test('anything at all', () => {
    const bytes = fc.oneof(packet, fc.uint8Array({ minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 6 }), cuts, (packets, sizes) => {
        const stream = Buffer.concat(packets);
        const whole = scanInPieces(openGuard({ maxPacketBytes: 200 }), stream, [stream.length]);
        expect(scanInPieces(openGuard({ maxPacketBytes: 200 }), stream, sizes)).toBe(whole);
      }),
      { numRuns: 1000 },
    );
  });

  test('a CONNECT byte by byte', () => {
    const guard = freshGuard();
    expect(scanInPieces(guard, CONNECT, [1])).toBe('ok');
    expect(guard.connect).toMatchObject({ clientId: 'c', username: URN, password: undefined });
  });
});

describe('refused', () => {
  const bad: [string, Uint8Array][] = [
    ['a second CONNECT', CONNECT],
    ['CONNACK', Uint8Array.of(0x20, 2, 0, 0)],
    ['SUBACK', Uint8Array.of(0x90, 3, 0, 1, 0)],
    ['UNSUBACK', Uint8Array.of(0xb0, 2, 0, 1)],
    ['PINGRESP', Uint8Array.of(0xd0, 0)],
    ['type 0', Uint8Array.of(0x00, 0)],
    ['type 15', Uint8Array.of(0xf0, 0)],
    ['PUBLISH of QoS 3', Uint8Array.of(0x36, 5, 0, 1, 0x61, 0, 1)],
    ['PUBLISH of QoS 0 with DUP', publishPacket('t', new Uint8Array(1), { qos: 0, dup: true })],
    ['PUBLISH of QoS 1 with packet id 0', publishPacket('t', new Uint8Array(1), { id: 0 })],
    ['PUBLISH of QoS 2 with packet id 0', publishPacket('t', new Uint8Array(1), { qos: 2, id: 0 })],
    ['PUBLISH with an empty topic', publishPacket('', new Uint8Array(3))],
    ['PUBLISH whose topic ends after the packet', Uint8Array.of(0x30, 4, 0, 9, 0x61, 0x61)],
    ['PUBLISH whose packet id is not there', Uint8Array.of(0x32, 4, 0, 2, 0x61, 0x61)],
    ['PUBLISH to #', publishPacket('a/#', new Uint8Array(1))],
    ['PUBLISH to +', publishPacket('a/+/b', new Uint8Array(1))],
    ['PUBLISH with U+0000', publishPacket('a\u0000', new Uint8Array(1))],
    ['PUBLISH with a control character', publishPacket('a\u001b', new Uint8Array(1))],
    ['PUBLISH with DEL', publishPacket('a\u007f', new Uint8Array(1))],
    ['PUBLISH with a C1 control character', publishPacket('a\u0085', new Uint8Array(1))],
    ['PUBLISH with a surrogate', publishPacket(Uint8Array.of(0xed, 0xa0, 0x80), new Uint8Array(1))],
    ['PUBLISH with ill-formed UTF-8', publishPacket(Uint8Array.of(0x61, 0xff), new Uint8Array(1))],
    ['PUBLISH with an overlong form', publishPacket(Uint8Array.of(0xc0, 0xaf), new Uint8Array(1))],
    ['PUBLISH with a topic of 257 bytes', publishPacket('x'.repeat(257), new Uint8Array(1))],
    ['SUBSCRIBE with flags 0', frame(0x80, subscribePacket(['a']).subarray(2))],
    ['SUBSCRIBE with packet id 0', subscribePacket(['a'], 1, 0)],
    ['SUBSCRIBE without filters', frame(0x82, Uint8Array.of(0, 1))],
    ['SUBSCRIBE with an empty filter', subscribePacket([''])],
    ['SUBSCRIBE with QoS 3', subscribePacket(['a'], 3)],
    ['SUBSCRIBE with reserved bits', subscribePacket(['a'], 0x81)],
    ['SUBSCRIBE without a QoS', frame(0x82, Uint8Array.of(0, 1), text('ab'))],
    ['SUBSCRIBE with U+0000', subscribePacket(['a\u0000'])],
    [
      'SUBSCRIBE with ill-formed UTF-8',
      frame(0x82, Uint8Array.of(0, 1), text(Uint8Array.of(0xff)), Uint8Array.of(1)),
    ],
    ['SUBSCRIBE with 17 filters', subscribePacket(Array.from({ length: 17 }, (_, at) => `f${at}`))],
    ['UNSUBSCRIBE with packet id 0', unsubscribePacket(['a'], 0)],
    ['UNSUBSCRIBE without filters', frame(0xa2, Uint8Array.of(0, 1))],
    ['UNSUBSCRIBE with flags 0', frame(0xa0, unsubscribePacket(['a']).subarray(2))],
    ['UNSUBSCRIBE cut short', frame(0xa2, Uint8Array.of(0, 1, 0, 9, 0x61))],
    ['PINGREQ with a body', Uint8Array.of(0xc0, 1, 0)],
    ['PINGREQ with flags', Uint8Array.of(0xc1, 0)],
    ['DISCONNECT with flags', Uint8Array.of(0xe1, 0)],
    ['a packet after DISCONNECT', Uint8Array.of(0xe0, 0, 0xc0, 0)],
    ['PUBACK of nothing', acknowledgement(0x40, 7)],
    ['PUBACK with packet id 0', acknowledgement(0x40, 0)],
    ['PUBACK with three bytes', Uint8Array.of(0x40, 3, 0, 1, 0)],
    ['PUBREC', acknowledgement(0x50, 7)],
    ['PUBCOMP', acknowledgement(0x70, 7)],
    ['PUBREL with flags 0', acknowledgement(0x60, 7)],
    ['PUBREL with packet id 0', acknowledgement(0x62, 0)],
  ];

  test.each(bad)('%s, whole or byte by byte', (_name, bytes) => {
    expect(['bad-packet', 'oversize']).toContain(faultOf(openGuard(), bytes));
    expect(['bad-packet', 'oversize']).toContain(scanInPieces(openGuard(), bytes, [1]));
  });

  test('nothing of a chunk is passed on when a packet in it is refused', () => {
    const guard = openGuard();
    const good = publishPacket(TOPIC, new Uint8Array(9));
    expect(guard.scan(Buffer.concat([good, Uint8Array.of(0xf0, 0)]))).toBe(-1);
  });

  test.each([
    ['PUBLISH', publishPacket('t', new Uint8Array(1))],
    ['PINGREQ', PINGREQ_PACKET],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('%s before CONNECT, at its first byte', (_name, bytes) => {
    expect(faultOf(freshGuard(), bytes.subarray(0, 1))).toBe('bad-packet');
  });

  test('control characters and ill-formed text in no field of any packet, whichever they are', () => {
    const points = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at)];
    for (const point of points) {
      const name = `a${String.fromCodePoint(point)}`;
      expect(faultOf(openGuard(), publishPacket(name, new Uint8Array(1)))).toBe('bad-packet');
      expect(faultOf(openGuard(), subscribePacket([name]))).toBe('bad-packet');
      expect(faultOf(freshGuard(), connectPacket({ clientId: name, username: URN }))).toBe('bad-connect');
      expect(faultOf(freshGuard(), connectPacket({ clientId: 'c', username: name }))).toBe('bad-connect');
    }
    for (const point of [0x20, 0x7e, 0xa0, 0xe9, 0x20ac, 0x1f496]) {
      const name = `a${String.fromCodePoint(point)}`;
      expect(faultOf(openGuard(), publishPacket(name, new Uint8Array(1)))).toBeUndefined();
      expect(faultOf(freshGuard(), connectPacket({ clientId: name, username: URN }))).toBeUndefined();
    }
  });
});

describe('CONNECT', () => {
  const answer = (bytes: Uint8Array) => {
    const guard = freshGuard();
    guard.scan(bytes);
    return [guard.fault?.kind, guard.fault?.returnCode];
  };
  /** A CONNECT from its parts: protocol name, level, flags, keep-alive, then fields. */
  const raw = (name: string, level: number, flags: number, ...fields: Uint8Array[]) =>
    frame(0x10, text(name), Uint8Array.of(level, flags, 0, 30), ...fields);
  const id = text('c');
  const user = text(URN);

  test('of MQTT 3.1.1 and 3.1, also as a bridge says it, are read', () => {
    for (const [name, level] of [
      ['MQTT', 4],
      ['MQIsdp', 3],
      ['MQTT', 0x84],
    ] as const)
      expect(answer(raw(name, level, 0x82, id, user))).toEqual([undefined, undefined]);
  });

  test('every field is read', () => {
    const guard = freshGuard();
    guard.scan(
      connectPacket({
        clientId: 'watch 7',
        username: URN,
        password: Uint8Array.of(0xd2, 0, 0xff),
        keepalive: 300,
        will: { topic: TOPIC, payload: new Uint8Array(4096), qos: 2 },
      }),
    );
    expect(guard.connect).toEqual({
      clientId: 'watch 7',
      username: URN,
      password: Uint8Array.of(0xd2, 0, 0xff),
      keepAliveSeconds: 300,
      will: { topic: TOPIC, qos: 2 },
    });
  });

  test.each<[string, Uint8Array, number | undefined]>([
    ['another protocol', raw('MQTX', 4, 0x82, id, user), undefined],
    ['MQTT 5', raw('MQTT', 5, 0x82, Uint8Array.of(0), id, user), 1],
    ['MQTT 3', raw('MQTT', 3, 0x82, id, user), 1],
    ['the reserved flag', raw('MQTT', 4, 0x83, id, user), undefined],
    ['a will with QoS 3', raw('MQTT', 4, 0x9e, id, text('t'), text('p'), user), undefined],
    ['the QoS of a will that is not there', raw('MQTT', 4, 0x8a, id, user), undefined],
    ['the retain flag of a will that is not there', raw('MQTT', 4, 0xa2, id, user), undefined],
    ['a password without a user name', raw('MQTT', 4, 0x42, id, text('p')), undefined],
    ['a will without a payload', raw('MQTT', 4, 0x06, id, text('t')), undefined],
    ['a will on a wildcard', raw('MQTT', 4, 0x06, id, text('#'), text('')), undefined],
    ['a will with an empty topic', raw('MQTT', 4, 0x06, id, text(''), text('')), undefined],
    ['a will of 4,097 bytes', raw('MQTT', 4, 0x06, id, text('t'), text(new Uint8Array(4097))), undefined],
    ['a user name that is announced and missing', raw('MQTT', 4, 0x82, id), 4],
    ['a password that is announced and missing', raw('MQTT', 4, 0xc2, id, user), undefined],
    ['a password of 2,049 bytes', raw('MQTT', 4, 0xc2, id, user, text(new Uint8Array(2049))), 4],
    ['a byte too many', raw('MQTT', 4, 0x82, id, user, Uint8Array.of(0)), undefined],
    ['no client id and a session to keep', raw('MQTT', 4, 0x80, text(''), user), 2],
    ['a client id of 257 characters', raw('MQTT', 4, 0x82, text('x'.repeat(257)), user), 2],
    ['a client id cut short', raw('MQTT', 4, 0x02, Uint8Array.of(0, 9, 0x61)), 2],
  ])('with %s is refused', (_name, bytes, returnCode) => {
    expect(answer(bytes)).toEqual(['bad-connect', returnCode]);
  });

  test('holds back what comes behind it until it has been answered', () => {
    const guard = freshGuard();
    const behind = publishPacket(TOPIC, new Uint8Array(5));
    expect(guard.scan(Buffer.concat([CONNECT, behind]))).toBe(CONNECT.length);
    expect([guard.isHeld, guard.scan(behind)]).toEqual([true, 0]);
    guard.open();
    expect([guard.isHeld, guard.scan(behind)]).toEqual([false, behind.length]);
  });
});

describe('messages under way', () => {
  const message = publishPacket(TOPIC, new Uint8Array(50));
  const body = message.length - 2;

  test('are let through up to the bound, at the border of a packet, and on as they are settled', () => {
    const guard = openGuard({ maxInFlight: 3 });
    const five = Buffer.concat(Array(5).fill(message));
    expect(guard.scan(five)).toBe(3 * message.length);
    expect([guard.isHeld, guard.scan(message)]).toEqual([true, 0]);
    guard.settled(body);
    expect(guard.isHeld).toBe(false);
    expect(guard.scan(five.subarray(3 * message.length))).toBe(message.length);
  });

  test('are bound by their bytes too; one message always passes, however long', () => {
    const guard = openGuard({ maxInFlightBytes: 2 * body });
    expect(guard.scan(Buffer.concat(Array(5).fill(message)))).toBe(2 * message.length);
    guard.settled(body);
    expect(guard.scan(message)).toBe(message.length);
    guard.settled(body);
    guard.settled(body);
    const long = publishPacket(TOPIC, new Uint8Array(5000));
    expect(guard.scan(Buffer.concat([long, message]))).toBe(long.length);
  });

  test('a message is never cut in two by the bound', () => {
    const guard = openGuard({ maxInFlight: 1 });
    expect(guard.scan(message.subarray(0, 20))).toBe(20);
    expect(guard.isHeld).toBe(false);
    expect(guard.scan(message.subarray(20))).toBe(message.length - 20);
    expect(guard.isHeld).toBe(true);
  });
});

describe('acknowledgements', () => {
  test('a PUBACK is taken once for each message that was sent', () => {
    const guard = openGuard();
    const id = guard.nextPacketId() as number;
    expect(faultOf(guard, acknowledgement(0x40, id))).toBeUndefined();
    expect(faultOf(guard, acknowledgement(0x40, id))).toBe('bad-packet');
  });

  test('packet ids are never 0, never one that waits for its PUBACK, and end at the bound', () => {
    const guard = openGuard({ maxInFlight: 65_535 });
    const first = Array.from({ length: 65_535 }, () => guard.nextPacketId());
    expect(new Set(first).size).toBe(65_535);
    expect([Math.min(...(first as number[])), Math.max(...(first as number[]))]).toEqual([1, 65_535]);
    expect(guard.nextPacketId()).toBeUndefined();
    expect(faultOf(guard, acknowledgement(0x40, 4711))).toBeUndefined();
    expect(guard.nextPacketId()).toBe(4711);
  });

  test('a PUBREL after its PUBLISH; some more for the sake of clients whose connection broke, but not for ever', () => {
    const guard = openGuard();
    expect(guard.scan(publishPacket('t', new Uint8Array(1), { qos: 2, id: 9 }))).toBeGreaterThan(0);
    for (let i = 0; i < 1001; i++) expect(faultOf(guard, acknowledgement(0x62, 9))).toBeUndefined();
    expect(faultOf(guard, acknowledgement(0x62, 9))).toBe('bad-packet');
  });

  test('messages of QoS 2 that nobody ends have a bound', () => {
    const guard = openGuard();
    const send = (id: number) => faultOf(guard, publishPacket('t', new Uint8Array(1), { qos: 2, id }));
    for (let id = 1; id <= 1000; id++) expect(send(id)).toBeUndefined();
    expect(send(1)).toBeUndefined(); // sent again
    expect(send(1001)).toBe('bad-packet');
  });
});
