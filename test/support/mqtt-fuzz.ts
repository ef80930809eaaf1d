/**
 * Byte streams of MQTT clients, from decent to hostile, out of a seed: sessions as they should be, packets with one thing wrong,
 * lengths that lie, topics that reach for something, statements that are nearly right, all of it cut into segments anywhere.
 */
import {
  connectPacket,
  frame,
  PINGREQ_PACKET,
  publishPacket,
  remainingLength,
  subscribePacket,
} from '../../gateway/testing/raw-mqtt.ts';
import { SeededRandom } from './seeded-random.ts';
import { type FuzzDevice, mutateBytes, mutateStatement } from './statement-fuzz.ts';

/** What one client is to send on one connection. */
export interface FuzzStream {
  readonly number: number;
  readonly kind: keyof typeof KINDS;
  /** The loopback address to come from, so that what one does is not counted against another. */
  readonly address: string;
  /** Packets or statements in it, or what was one before it was changed. */
  readonly packets: number;
  readonly segments: readonly Uint8Array[];
  /** How the client goes: once it has every PUBACK, or at once, with a FIN or with a RST. */
  readonly ending: 'answered' | 'fin' | 'reset';
  /** Ids of its PUBLISHes with QoS 1; no other may be in a PUBACK. Undefined where bytes were changed and any id may be read. */
  readonly ids?: ReadonlySet<number>;
}

/** How many of a hundred streams are of each kind. */
const KINDS = { decent: 12, statements: 30, mutated: 40, connect: 12, garbage: 6 } as const;

const ILL_FORMED = [
  '00',
  'eda080',
  'edbfbf',
  'c0af',
  'c080',
  'e282',
  '80',
  'ff',
  'f4908080',
  'efbfbf',
  '1b',
  'c285',
];
const GARBAGE = [
  '16030100c8010000c40303',
  '474554202f20485454502f312e310d0a0d0a',
  '00',
  'ffffffffffffffff',
  '1000',
  '10ffffff7f',
];
const NAMES = ['', '+', '#', 'alice', '__proto__', 'constructor', 'urn:dev:mac:', 'urn:dev:os:32473-\u0000'];
const STATEMENTS_AT_MOST = 24;
const SEGMENTS_AT_MOST = 12;

type Maker = (
  random: SeededRandom,
) => Omit<FuzzStream, 'number' | 'kind' | 'address' | 'ending' | 'segments'> & { bytes: Buffer };

export class MqttFuzzer {
  readonly #seed: number;
  readonly #devices: readonly FuzzDevice[];

  constructor(seed: number, devices: readonly FuzzDevice[]) {
    this.#seed = seed;
    this.#devices = devices;
  }

  /** The stream of this number: the same bytes for the same seed, whatever was made before. */
  stream(number: number): FuzzStream {
    const random = new SeededRandom(this.#seed, number);
    const kind = pickKind(random);
    const makers: Record<FuzzStream['kind'], Maker> = {
      decent: (r) => this.#decent(r),
      statements: (r) => this.#statements(r),
      mutated: (r) => this.#mutated(r),
      connect: (r) => this.#connect(r),
      garbage: (r) => ({ bytes: garbage(r), packets: 1 }),
    };
    const { bytes, ...made } = makers[kind](random);
    return {
      ...made,
      number,
      kind,
      address: `127.${1 + random.below(250)}.${random.below(250)}.${1 + random.below(250)}`,
      segments: cut(random, bytes),
      ending: random.chance(0.15)
        ? 'reset'
        : made.ids !== undefined && random.chance(0.9)
          ? 'answered'
          : 'fin',
    };
  }

  /** A session that breaks no rule: its statements may be bad, its packets are not. */
  #decent(random: SeededRandom): ReturnType<Maker> {
    const device = random.pick(this.#devices);
    const packets = [hello(random, device.urn)];
    const ids = new Set<number>();
    for (let left = 1 + random.below(8); left > 0; left--) {
      const id = 1 + random.below(0xffff);
      const topic = `wearables/${device.urn}`;
      switch (random.below(5)) {
        case 0:
          packets.push(
            subscribePacket(
              [`${topic}/acks`, `${topic}/requests`].slice(random.below(2)),
              random.below(3),
              id,
            ),
          );
          break;
        case 1:
          packets.push(frame(0xa2, Buffer.from([id >> 8, id & 255]), text(`${topic}/acks`)));
          break;
        case 2:
          packets.push(PINGREQ_PACKET);
          break;
        case 3: {
          const statement = mutateStatement(random, device, this.#devices);
          packets.push(
            publishPacket(`${topic}/statements`, statement, { qos: 2, id }),
            frame(0x62, Buffer.from([id >> 8, id & 255])),
          );
          break;
        }
        default:
          ids.add(id);
          packets.push(
            publishPacket(`${topic}/statements`, mutateStatement(random, device, this.#devices), {
              id,
              retain: random.chance(0.1),
            }),
          );
      }
    }
    if (random.chance(0.5)) packets.push(Buffer.of(0xe0, 0));
    return { bytes: Buffer.concat(packets), packets: packets.length, ids };
  }

  /** One statement behind the other, each with its own fault. */
  #statements(random: SeededRandom): ReturnType<Maker> {
    const device = random.pick(this.#devices);
    const urn = random.chance(0.03) ? `urn:dev:os:32473-u${random.uint32()}` : device.urn; // or one that nobody enrolled
    const count = 1 + random.below(STATEMENTS_AT_MOST);
    const packets = [hello(random, urn)];
    const ids = new Set<number>();
    if (random.chance(0.5)) packets.push(subscribePacket([`wearables/${urn}/acks`], 0));
    for (let id = 1; id <= count; id++) {
      const qos = random.chance(0.1) ? 0 : 1;
      if (qos === 1) ids.add(id);
      const statement = mutateStatement(random, device, this.#devices);
      packets.push(publishPacket(`wearables/${urn}/statements`, statement, { qos, id }));
    }
    return { bytes: Buffer.concat(packets), packets: packets.length, ids };
  }

  /** A decent session with something wrong in at least one packet, or two packets that changed places. */
  #mutated(random: SeededRandom): ReturnType<Maker> {
    const device = random.pick(this.#devices);
    const packets = [hello(random, random.chance(0.1) ? `urn:dev:os:32473-x${random.uint32()}` : device.urn)];
    for (let left = 1 + random.below(6); left > 0; left--) packets.push(this.#anyPacket(random, device));
    // Behind the CONNECT most of the time: a broken one hides the others.
    for (let times = 1 + random.below(3); times > 0; times--) {
      const at = random.chance(0.1) ? 0 : 1 + random.below(packets.length - 1);
      packets[at] = mutatePacket(random, packets[at] as Buffer);
    }
    if (random.chance(0.1)) packets.reverse();
    return { bytes: Buffer.concat(packets), packets: packets.length };
  }

  #connect(random: SeededRandom): ReturnType<Maker> {
    const device = random.pick(this.#devices);
    const packet = connectPacket({
      clientId: random.chance(0.3) ? random.pick(NAMES) : `c${random.uint32()}`,
      username: random.chance(0.4) ? random.pick(NAMES) : device.urn,
      clean: random.chance(0.7),
      keepalive: random.pick([0, 1, 60, 65_535]),
      protocolLevel: random.pick([3, 4, 4, 4, 5, random.byte()]),
      ...(random.chance(0.5) && {
        will: {
          topic: this.#topic(random, device),
          payload: mutateStatement(random, device, this.#devices).subarray(0, 60_000),
          qos: random.below(4),
          retain: random.chance(0.3),
        },
      }),
    });
    return { bytes: random.chance(0.7) ? mutatePacket(random, packet) : packet, packets: 1 };
  }

  #anyPacket(random: SeededRandom, device: FuzzDevice): Buffer {
    const id = random.chance(0.1) ? 0 : random.below(0x10000);
    switch (random.below(8)) {
      case 0:
        return subscribePacket(
          [this.#topic(random, device), this.#topic(random, device)],
          random.below(4),
          id,
        );
      case 1:
        return frame(0xa2, Buffer.from([id >> 8, id & 255]), text(this.#topic(random, device)));
      case 2:
        return frame(random.pick([0x40, 0x50, 0x62, 0x70]), Buffer.from([id >> 8, id & 255]));
      case 3:
        return frame(random.byte(), random.bytes(random.below(40)));
      case 4:
        return random.pick([PINGREQ_PACKET, Buffer.of(0xe0, 0), hello(random, device.urn)]);
      default:
        return publishPacket(this.#topic(random, device), mutateStatement(random, device, this.#devices), {
          qos: random.below(4),
          id,
          retain: random.chance(0.2),
          dup: random.chance(0.2),
        });
    }
  }

  /** The device's topic most of the time; otherwise one that reaches for what is not its own. */
  #topic(random: SeededRandom, device: FuzzDevice): string {
    const own = `wearables/${device.urn}`;
    if (random.chance(0.6)) return `${own}/${random.pick(['statements', 'acks', 'requests'])}`;
    const other = random.pick(this.#devices).urn;
    return random.pick([
      '',
      '#',
      '+',
      '/',
      '$SYS/#',
      'wearables/#',
      'wearables/+/statements',
      `wearables/${other}/statements`,
      `${own}/statements/x`,
      `/${own}/statements`,
      `${own}//statements`,
      `${own}/statements\u0000`,
      `${own}/../${other}/acks`,
      'wearables/beacon',
      '__proto__',
      'wearables/__proto__/statements',
      `${own}/${'x'.repeat(random.below(5_000))}`,
      '/'.repeat(random.below(2_000)),
      `$share/g/${own}/acks`,
    ]);
  }
}

function hello(random: SeededRandom, username: string): Buffer {
  return connectPacket({
    clientId: `fuzz-${random.uint32()}`,
    username,
    clean: random.chance(0.8),
    keepalive: 60,
  });
}

/** One thing wrong with a packet, which stays recognisable. */
function mutatePacket(random: SeededRandom, packet: Buffer): Buffer {
  const body = bodyOf(packet);
  const first = packet[0] as number;
  switch (random.below(9)) {
    case 0:
      return Buffer.from(mutateBytes(random, packet));
    case 1:
      return frame(first, mutateBytes(random, body));
    case 2: // a length that lies
      return Buffer.concat([
        Buffer.of(first),
        remainingLength(Math.max(0, body.length + random.below(40) - 20)),
        body,
      ]);
    case 3: // a length that is too long for anybody, or for a length
      return Buffer.concat([
        Buffer.of(first),
        Buffer.from(random.pick(['ffffff7f', 'ffffffff01', '80808000', '8000', 'ff7f']), 'hex'),
        body,
      ]);
    case 4: // another type, the same body
      return frame((random.below(16) << 4) | (first & 15), body);
    case 5: // other flags
      return frame((first & 0xf0) | random.below(16), body);
    case 6: // a string field that is longer than the packet
      return frame(first, Buffer.of(0xff, 0xff), body.subarray(2));
    case 7: {
      // text that is none, where a text may be
      const at = random.below(body.length + 1);
      return frame(
        first,
        body.subarray(0, at),
        Buffer.from(random.pick(ILL_FORMED), 'hex'),
        body.subarray(at),
      );
    }
    default:
      return frame(first, body.subarray(0, random.below(body.length + 1)));
  }
}

function bodyOf(packet: Buffer): Buffer {
  let at = 1;
  while (((packet[at] ?? 0) & 0x80) !== 0) at += 1;
  return packet.subarray(at + 1);
}

function garbage(random: SeededRandom): Buffer {
  const lead = random.chance(0.5) ? Buffer.from(random.pick(GARBAGE), 'hex') : Buffer.alloc(0);
  return Buffer.concat([lead, random.bytes(1 + random.below(400))]);
}

/** The bytes in segments: all at once, one by one, or in a few of any length. */
function cut(random: SeededRandom, bytes: Buffer): Uint8Array[] {
  if (random.chance(0.5)) return [bytes];
  const cuts = Array.from({ length: 1 + random.below(SEGMENTS_AT_MOST) }, () =>
    random.below(bytes.length + 1),
  );
  const borders = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return borders
    .slice(1)
    .map((end, at) => bytes.subarray(borders[at], end))
    .filter(({ length }) => length > 0);
}

function pickKind(random: SeededRandom): FuzzStream['kind'] {
  let rest = random.below(100);
  for (const [kind, share] of Object.entries(KINDS)) {
    if (rest < share) return kind as FuzzStream['kind'];
    rest -= share;
  }
  throw new RangeError('the shares do not add up to a hundred');
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}
