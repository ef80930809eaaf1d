/** MQTT 3.1.1 by hand over a bare socket, for what no decent client library would send. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface RawPacket {
  /** The four-bit packet type of MQTT 3.1.1 section 2.2.1. */
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBACK = 9;
export const PINGRESP = 13;

type Text = string | Uint8Array;

/** A string field: two bytes of length, then UTF-8, or whatever bytes are given. */
function field(text: Text): Buffer {
  const bytes = Buffer.from(typeof text === 'string' ? Buffer.from(text) : text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A packet with a remaining length of as few bytes as it needs. */
export function frame(firstByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([firstByte]), remainingLength(body.length), body]);
}

/** MQTT 3.1.1 section 2.2.3. */
export function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.from(bytes);
}

export interface RawConnect {
  readonly clientId: Text;
  readonly username?: Text;
  readonly password?: Uint8Array;
  readonly clean?: boolean;
  readonly keepalive?: number;
  readonly protocolLevel?: number;
  readonly will?: {
    readonly topic: Text;
    readonly payload: Uint8Array;
    readonly qos: number;
    readonly retain?: boolean;
  };
}

export function connectPacket({
  clientId,
  username,
  password,
  clean = true,
  will,
  ...rest
}: RawConnect): Buffer {
  const flags =
    (username === undefined ? 0 : 0x80) |
    (password === undefined ? 0 : 0x40) |
    (clean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain === true ? 0x20 : 0));
  const keepalive = rest.keepalive ?? 0;
  return frame(
    0x10,
    field('MQTT'),
    Buffer.from([rest.protocolLevel ?? 4, flags, keepalive >> 8, keepalive & 0xff]),
    field(clientId),
    ...(will === undefined ? [] : [field(will.topic), field(will.payload)]),
    ...(username === undefined ? [] : [field(username)]),
    ...(password === undefined ? [] : [field(password)]),
  );
}

export function publishPacket(
  topic: Text,
  payload: Uint8Array,
  { qos = 1, id = 1, retain = false, dup = false } = {},
): Buffer {
  const first = 0x30 | (qos << 1) | (retain ? 1 : 0) | (dup ? 8 : 0);
  const idBytes = qos > 0 ? [Buffer.from([id >> 8, id & 0xff])] : [];
  return frame(first, field(topic), ...idBytes, payload);
}

export function subscribePacket(topics: readonly string[], qos = 1, id = 10): Buffer {
  const filters = topics.map((topic) => Buffer.concat([field(topic), Buffer.from([qos])]));
  return frame(0x82, Buffer.from([id >> 8, id & 0xff]), ...filters);
}

export function unsubscribePacket(topics: readonly string[], id = 11): Buffer {
  return frame(0xa2, Buffer.from([id >> 8, id & 0xff]), ...topics.map(field));
}

export const PINGREQ_PACKET = Buffer.from([0xc0, 0]);

/** A connection that keeps what it receives. */
export class RawMqtt {
  readonly socket: Socket;
  readonly packets: RawPacket[] = [];
  /** Resolves once the socket is closed, by whichever side. */
  readonly closed: Promise<void>;
  isClosed = false;
  #input = Buffer.alloc(0);
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined); // a reset is one way of being closed
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.isClosed = true;
        this.#stir();
        resolve();
      }),
    );
    socket.on('data', (chunk) => this.#take(chunk));
  }

  /** @param tls what to check the server by and to show it; without it there is no TLS. */
  static async open(port: number, tls?: ConnectionOptions): Promise<RawMqtt> {
    const socket =
      tls === undefined ? connectSocket(port, '127.0.0.1') : connectTls({ host: '127.0.0.1', port, ...tls });
    const raw = new RawMqtt(socket);
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    return raw;
  }

  /** Opens and says CONNECT; returns once CONNACK says welcome. */
  static async join(port: number, fields: RawConnect, tls?: ConnectionOptions): Promise<RawMqtt> {
    const raw = await RawMqtt.open(port, tls);
    raw.send(connectPacket(fields));
    const connack = await raw.receive(CONNACK);
    if (connack.body[1] !== 0) throw new Error(`CONNACK ${connack.body[1]}`);
    return raw;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next packet of a type, taken off the list. Throws when the socket closes first. */
  async receive(type: number): Promise<RawPacket> {
    for (;;) {
      const at = this.packets.findIndex((packet) => packet.type === type);
      const [packet] = at < 0 ? [] : this.packets.splice(at, 1);
      if (packet !== undefined) return packet;
      if (this.isClosed) throw new Error('the socket was closed');
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Everything sent so far has been read by the broker, and everything it answered has arrived. */
  async roundTrip(): Promise<void> {
    this.send(PINGREQ_PACKET);
    await this.receive(PINGRESP);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (let packet = this.#cut(); packet !== undefined; packet = this.#cut()) this.packets.push(packet);
    this.#stir();
  }

  #cut(): RawPacket | undefined {
    let length = 0;
    for (let at = 1; at < this.#input.length && at < 5; at++) {
      const byte = this.#input[at] as number;
      length += (byte & 0x7f) * 128 ** (at - 1);
      if ((byte & 0x80) !== 0) continue;
      const end = at + 1 + length;
      if (this.#input.length < end) return undefined;
      const first = this.#input[0] as number;
      const packet = { type: first >> 4, flags: first & 15, body: this.#input.subarray(at + 1, end) };
      this.#input = this.#input.subarray(end);
      return packet;
    }
    return undefined;
  }

  #stir(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Topic and payload of a received PUBLISH. */
export function readPublish({ flags, body }: RawPacket): {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
} {
  const end = 2 + body.readUInt16BE(0);
  const payload = body.subarray(end + ((flags & 6) === 0 ? 0 : 2));
  return {
    topic: body.subarray(2, end).toString(),
    payload: Uint8Array.from(payload),
    retain: (flags & 1) === 1,
  };
}
