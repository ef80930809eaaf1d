/**
 * One connection of the load generator, made to cost little: packets are written as slices of one buffer signed beforehand, and of
 * what comes back only the identifiers of acknowledgements are read. Every acknowledgement must be for something under way, once.
 */
import { connect, type Socket } from 'node:net';
import { connectPacket } from '../../gateway/testing/raw-mqtt.ts';
import type { LoadDevice } from './device.ts';

const CONNACK = 0x20;
const PUBACK = 0x40;
const PUBACK_BYTES = 4;
/** MQTT 3.1.1 section 2.3.1: packet identifiers are 1 to 65535. */
const IDS = 0xffff;
/** All sockets read into the same memory: what is in it is dealt with before the next read. */
const INPUT = Buffer.alloc(65_536);

export interface LaneEvents {
  /** So many acknowledgements came at once. */
  acknowledged(count: number): void;
  /** The time from write to acknowledgement of each, in milliseconds. */
  took(milliseconds: number): void;
  failed(reason: string): void;
}

export class Lane {
  readonly device: LoadDevice;
  readonly #events: LaneEvents;
  #socket: Socket | undefined;
  #joined: (() => void) | undefined;
  /** Packets that are ready, one after another, and where each ends. */
  #packets: Buffer = Buffer.alloc(0);
  #ends: number[] = [];
  #sent = 0;
  #nextId = 1;
  /** By packet identifier: when it was written; 0 when it is not under way. */
  readonly #writtenAt = new Float64Array(IDS + 1);
  #underWay = 0;
  /** Keeps this many under way; 0: only `send` sends. */
  #window = 0;
  /** The beginning of a packet that a read cut off. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(device: LoadDevice, events: LaneEvents) {
    this.device = device;
    this.#events = events;
  }

  /** Packets that are ready to send. */
  get ready(): number {
    return this.#ends.length - this.#sent;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Signs so many statements ahead. */
  prepare(count: number): void {
    const packets: Buffer[] = [];
    for (let at = 0; at < count; at++) packets.push(Buffer.from(this.#press()));
    const kept = this.#packets.subarray(this.#sent === 0 ? 0 : this.#ends[this.#sent - 1]);
    const lengths = this.#ends
      .slice(this.#sent)
      .map((end, at) => end - (this.#ends[this.#sent + at - 1] ?? 0));
    this.#packets = Buffer.concat([kept, ...packets]);
    this.#sent = 0;
    let end = 0;
    this.#ends = [...lengths, ...packets.map((packet) => packet.length)].map((length) => {
      end += length;
      return end;
    });
  }

  /** Makes all that has been sent ready again, under the same packet identifiers. */
  rewind(): void {
    this.#sent = 0;
  }

  /** Goes online. Resolves at the CONNACK that says welcome. */
  async join(port: number, localAddress: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#joined = resolve;
      const socket = connect({
        host: '127.0.0.1',
        port,
        localAddress,
        noDelay: true,
        onread: { buffer: INPUT, callback: (length) => this.#read(length) },
      });
      this.#socket = socket;
      socket.on('error', (error) => this.#events.failed(`${this.device.urn}: ${error.message}`));
      socket.on('close', () => this.#closed());
      socket.write(connectPacket({ clientId: this.device.urn, username: this.device.urn }));
    });
  }

  /** Sends all that is ready, so many under way at a time. */
  flow(window: number): void {
    this.#window = window;
    this.#fill();
  }

  /** Sends one statement now, signing it first when none is ready. */
  send(): void {
    if (this.ready === 0) this.prepare(1);
    this.#write(1);
  }

  /** Goes offline without a word and without a trace in the kernel's tables. */
  leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.resetAndDestroy();
  }

  #press(): Buffer {
    const id = this.#nextId;
    this.#nextId = id === IDS ? 1 : id + 1;
    return this.device.press(id);
  }

  #fill(): void {
    const room = Math.min(this.#window - this.#underWay, this.ready);
    // Half a window at once: few writes, and never an empty pipe.
    if (room > 0 && (room * 2 >= this.#window || room === this.ready)) this.#write(room);
  }

  #write(count: number): void {
    const from = this.#sent === 0 ? 0 : (this.#ends[this.#sent - 1] as number);
    const to = this.#ends[this.#sent + count - 1] as number;
    const first = this.#nextId - this.ready;
    const now = performance.now();
    for (let at = 0; at < count; at++) this.#writtenAt[wrap(first + at)] = now;
    this.#sent += count;
    this.#underWay += count;
    this.#socket?.write(this.#packets.subarray(from, to));
  }

  #read(length: number): boolean {
    let input: Buffer = INPUT.subarray(0, length);
    if (this.#rest.length > 0) input = Buffer.concat([this.#rest, input]);
    const now = performance.now();
    let at = 0;
    let acknowledged = 0;
    while (at + PUBACK_BYTES <= input.length) {
      const first = input[at];
      if (first === PUBACK) {
        this.#acknowledge(((input[at + 2] as number) << 8) | (input[at + 3] as number), now);
        acknowledged += 1;
      } else if (first === CONNACK) this.#welcome(input[at + 3] as number);
      else this.#events.failed(`${this.device.urn}: a packet of type ${(first ?? 0) >> 4} came unasked`);
      at += PUBACK_BYTES;
    }
    this.#rest = at === input.length ? EMPTY : Buffer.from(input.subarray(at));
    if (acknowledged > 0) {
      this.#underWay -= acknowledged;
      this.#events.acknowledged(acknowledged);
      if (this.#window > 0) this.#fill();
    }
    return true;
  }

  #welcome(code: number): void {
    if (code !== 0) this.#events.failed(`${this.device.urn}: CONNACK ${code}`);
    this.#joined?.();
  }

  #acknowledge(id: number, now: number): void {
    const writtenAt = this.#writtenAt[id] as number;
    if (writtenAt === 0) this.#events.failed(`${this.device.urn}: acknowledgement ${id} of nothing sent`);
    this.#writtenAt[id] = 0;
    this.#events.took(now - writtenAt);
  }

  #closed(): void {
    if (this.#socket === undefined) return;
    this.#events.failed(`${this.device.urn}: the gateway closed the connection, ${this.#underWay} under way`);
  }
}

const EMPTY = Buffer.alloc(0);

function wrap(id: number): number {
  return id < 1 ? id + IDS : id;
}
