/** What somebody does to a gateway who wishes it ill, from one address, with or without an enrolled device. */
import { connect, type Socket } from 'node:net';
import { connectPacket, publishPacket, remainingLength } from '../../gateway/testing/raw-mqtt.ts';
import { LoadDevice } from '../load/device.ts';

/** Where everything hostile comes from. */
const ADDRESS = '127.6.6.6';
const TICK_MS = 10;

export interface Battlefield {
  readonly port: number;
  /** Numbers of enrolled devices whose keys the attacker has. */
  readonly devices: readonly number[];
}

/** Counts what it did by name. */
export type Count = (what: string) => void;

/** Starts and goes on until the process ends. */
export type Attack = (field: Battlefield, count: Count) => void;

const SLOW_CONNECTIONS = 400;
const SLOW_BYTE_EVERY_MS = 250;
const SILENT_CONNECTIONS = 1_500;
const FLOOD_CHUNK_STATEMENTS = 64;
const TOPIC_BYTES = 65_000;
const TOPICS_PER_SECOND = 100;
const RECONNECTS_PER_SECOND = 1_000;

export const ATTACKS: Readonly<Record<string, Attack>> = {
  slowloris,
  'half-open': halfOpen,
  'flood-repeated': floodRepeated,
  'flood-forged': floodForged,
  'huge-topics': hugeTopics,
  reconnects,
};

/** Packets that never end: half of the connections stay in their CONNECT, half in a long PUBLISH, a byte at a time. */
function slowloris(field: Battlefield, count: Count): void {
  const begin = (at: number): void => {
    const urn = `urn:dev:mac:510${at.toString(16).padStart(13, '0')}`;
    const slow = connectPacket({ clientId: 'slow', username: urn });
    const long = publishPacket(`wearables/${urn}/statements`, Buffer.alloc(100_000));
    const bytes = at % 2 === 0 ? slow : Buffer.concat([slow, long]);
    let sent = at % 2 === 0 ? 1 : slow.length + 1;
    const socket = open(field, () => begin(at), count);
    socket.write(bytes.subarray(0, sent));
    every(SLOW_BYTE_EVERY_MS, socket, () => {
      socket.write(bytes.subarray(sent, sent + 1));
      sent += 1;
    });
  };
  for (let at = 0; at < SLOW_CONNECTIONS; at++) begin(at);
}

/** Connections without a word, half of them before and half after CONNECT. */
function halfOpen(field: Battlefield, count: Count): void {
  const begin = (at: number): void => {
    const urn = `urn:dev:mac:500${at.toString(16).padStart(13, '0')}`;
    const socket = open(field, () => begin(at), count);
    if (at % 2 === 1) socket.write(connectPacket({ clientId: 'silent', username: urn }));
  };
  for (let at = 0; at < SILENT_CONNECTIONS; at++) begin(at);
}

/** An enrolled device repeats one good statement as fast as it can be written. */
function floodRepeated(field: Battlefield, count: Count): void {
  flood(field, count, ([first = Buffer.alloc(0)]) =>
    Array.from({ length: FLOOD_CHUNK_STATEMENTS }, () => first),
  );
}

/** An enrolled device's name over statements whose signatures are spoilt, each another one. */
function floodForged(field: Battlefield, count: Count): void {
  flood(field, count, (packets) => {
    for (const packet of packets)
      packet.writeUInt8(packet.readUInt8(packet.length - 40) ^ 1, packet.length - 40);
    return packets;
  });
}

function flood(field: Battlefield, count: Count, make: (packets: Buffer[]) => Buffer[]): void {
  const begin = (urn: string, chunk: Buffer): void => {
    const socket = open(field, () => begin(urn, chunk), count);
    socket.write(connectPacket({ clientId: 'flood', username: urn }));
    const pour = (): void => {
      while (socket.writable && socket.write(chunk)) count('chunks');
    };
    socket.once('data', () => {
      socket.on('drain', pour); // welcome: before that the broker would close for it
      pour();
    });
  };
  for (const number of field.devices) {
    const device = new LoadDevice('Ed25519', number);
    const packets = Array.from({ length: FLOOD_CHUNK_STATEMENTS }, (_, at) =>
      Buffer.from(device.press(at + 1)),
    );
    begin(device.urn, Buffer.concat(make(packets)));
  }
}

/** Names that are almost as long as a packet may be, each on a connection of its own. */
function hugeTopics(field: Battlefield, count: Count): void {
  let made = 0;
  const level = Buffer.alloc(TOPIC_BYTES, 'a/');
  const body = Buffer.concat([
    Buffer.from([TOPIC_BYTES >> 8, TOPIC_BYTES & 0xff]),
    level,
    Buffer.from([0, 1]),
  ]);
  const packet = Buffer.concat([Buffer.from([0x32]), remainingLength(body.length), body]);
  pace(TOPICS_PER_SECOND, () => {
    const urn = `urn:dev:mac:70b${(made++).toString(16).padStart(13, '0')}`;
    const socket = open(field, undefined, count);
    socket.write(Buffer.concat([connectPacket({ clientId: 'topic', username: urn }), packet]));
    setTimeout(() => socket.resetAndDestroy(), 1_000).unref();
  });
}

/** Connects, says CONNECT, hears the answer or not, and is gone. */
function reconnects(field: Battlefield, count: Count): void {
  let made = 0;
  pace(RECONNECTS_PER_SECOND, () => {
    const urn = `urn:dev:mac:4ec${(made++).toString(16).padStart(13, '0')}`;
    const socket = open(field, undefined, count);
    socket.write(connectPacket({ clientId: 'again', username: urn }));
    socket.once('data', () => {
      count('answers');
      socket.resetAndDestroy(); // no TIME_WAIT: ports would run out before the gateway does
    });
  });
}

/** A connection from the hostile address; `again` a moment after the gateway closed it. */
function open({ port }: Battlefield, again: (() => void) | undefined, count: Count): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress: ADDRESS });
  socket.on('error', () => count('errors'));
  socket.once('connect', () => count('connections'));
  socket.on('data', () => undefined);
  socket.once('close', () => {
    count('closed');
    if (again !== undefined) setTimeout(again, 1_000);
  });
  return socket;
}

function every(milliseconds: number, socket: Socket, act: () => void): void {
  const timer = setInterval(act, milliseconds);
  socket.once('close', () => clearInterval(timer));
}

function pace(perSecond: number, act: () => void): void {
  const started = performance.now();
  let done = 0;
  setInterval(() => {
    const due = ((performance.now() - started) * perSecond) / 1_000;
    for (; done < due; done++) act();
  }, TICK_MS);
}
