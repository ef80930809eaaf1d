/**
 * Watches a client's byte stream (MQTT 3.1.1 section 2) in front of the broker library, which would take packets of 256 MB into
 * memory from anyone who connects, decodes bad text with replacement characters, and puts up with acknowledgements that nobody
 * asked for. Payloads are skipped over, never copied; what is gathered of a packet cut in two is its head, at most 8 KiB.
 */
import type { FrameBudget } from './frame-budget.ts';
import { PacketIds } from './packet-ids.ts';
import {
  type ConnectFields,
  filtersFault,
  firstByteFault,
  longestBody,
  PACKET,
  type PacketFault,
  readConnect,
  shortestBody,
  TOPIC_BYTES_MAX,
  topicFault,
} from './packet-rules.ts';

/** Packets up to this length are not counted: that many bytes every connection may have. */
const SMALL_PACKET_BYTES = 4096;
/**
 * Why a connection must be closed unread. `oversize`: a packet announces more than may be read. `overloaded`: too many long
 * packets are unfinished already. `bad-connect`: its CONNECT is refused. `bad-packet`: what MQTT forbids.
 */
export interface GuardFault extends Omit<PacketFault, 'kind'> {
  readonly kind: 'oversize' | 'overloaded' | 'bad-connect' | 'bad-packet';
}

export interface GuardOptions {
  /** Longest body of a packet. */
  readonly maxPacketBytes: number;
  /** Messages passed on and not settled, and the bytes of their packets; behind so many the stream is held at a packet's border. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly budget: FrameBudget;
}

type Stage = 'first' | 'length' | 'head' | 'rest';

/** One connection's stream. */
export class PacketGuard {
  readonly #options: GuardOptions;
  #stage: Stage = 'first';
  #type = 0;
  #qos = 0;
  #place = 0;
  #length = 0;
  /** Bytes of the packet's body still to come, once its head has been looked at. */
  #rest = 0;
  /** The beginning of a body that came in pieces, and how much of it is filled. */
  #head: Uint8Array | undefined;
  #filled = 0;
  /** What the current packet holds of the budget. */
  #held = 0;
  #connect: ConnectFields | undefined;
  #isOpen = false;
  #isEnded = false;
  #fault: GuardFault | undefined;
  #packets = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  readonly #ids = new PacketIds();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** What the client said in its CONNECT, once that has passed. */
  get connect(): ConnectFields | undefined {
    return this.#connect;
  }

  /** Packets begun since this was last asked. */
  takePacketCount(): number {
    const count = this.#packets;
    this.#packets = 0;
    return count;
  }

  get isInsidePacket(): boolean {
    return this.#stage !== 'first';
  }

  /** Whether no packet may be passed on now: its CONNECT has not been answered, or too many messages are under way. */
  get isHeld(): boolean {
    if (this.#stage !== 'first') return false;
    if (this.#connect !== undefined && !this.#isOpen) return true;
    const { maxInFlight, maxInFlightBytes } = this.#options;
    return this.#inFlight >= maxInFlight || this.#inFlightBytes >= maxInFlightBytes;
  }

  get fault(): GuardFault | undefined {
    return this.#fault;
  }

  /** The CONNECT has been answered with a welcome: packets after it may pass. */
  open(): void {
    this.#isOpen = true;
  }

  /** A message has been dealt with, whose packet had a body of so many bytes. */
  settled(bytes: number): void {
    this.#inFlight -= 1;
    this.#inFlightBytes -= bytes;
  }

  /** A packet id for a message to the client, whose PUBACK is expected then; undefined when it leaves too many unanswered. */
  nextPacketId(): number | undefined {
    return this.#ids.next(this.#options.maxInFlight);
  }

  /**
   * Follows one chunk and gives how many of its bytes may be passed on: all of them, or up to the border of a packet where the
   * stream is held; the caller offers the others again later. -1 with `fault` set is for good: nothing of this chunk may be read.
   */
  scan(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#stage === 'rest') {
        const step = Math.min(this.#rest, chunk.length - at);
        this.#rest -= step;
        at += step;
        if (this.#rest === 0) this.#endPacket();
      } else if (this.#stage === 'head') {
        at += this.#readHead(chunk, at);
      } else if (this.#stage === 'length') {
        this.#readLength(chunk[at++] as number);
      } else {
        if (this.isHeld) return at;
        this.#readFirst(chunk[at++] as number);
      }
      if (this.#fault !== undefined) return -1;
    }
    return chunk.length;
  }

  /** Gives back what an unfinished packet holds. Called when the connection has closed. */
  release(): void {
    this.#options.budget.give(this.#held);
    this.#held = 0;
    this.#head = undefined;
  }

  #readFirst(byte: number): undefined {
    const wrong = this.#isEnded ? 'a packet after DISCONNECT' : firstByteFault(byte);
    if (wrong !== undefined) return this.#fail('bad-packet', wrong);
    this.#type = byte >> 4;
    this.#qos = (byte >> 1) & 3;
    if ((this.#type === PACKET.connect) !== (this.#connect === undefined)) {
      const which = this.#connect === undefined ? 'a packet before CONNECT' : 'a second CONNECT';
      return this.#fail('bad-packet', which); // [MQTT-3.1.0-1, MQTT-3.1.0-2]
    }
    this.#packets += 1;
    this.#length = 0;
    this.#place = 0;
    this.#stage = 'length';
  }

  #readLength(byte: number): undefined {
    if (this.#place > 3) return this.#fail('oversize', 'a length of more than four bytes');
    this.#length |= (byte & 0x7f) << (7 * this.#place++);
    const longest = longestBody(this.#type, this.#options.maxPacketBytes);
    if (this.#length > longest)
      return this.#fail(
        'oversize',
        `a packet of type ${this.#type} that announces more than ${longest} bytes`,
      );
    if ((byte & 0x80) !== 0) return;
    if (this.#length < shortestBody(this.#type))
      return this.#fail('bad-packet', 'a packet that is too short to be one');
    if (this.#length > SMALL_PACKET_BYTES) {
      if (!this.#options.budget.take(this.#length))
        return this.#fail('overloaded', 'too many long packets are unfinished');
      this.#held = this.#length;
    }
    this.#stage = 'head';
    if (this.#length === 0) this.#endHead(chunkless, 0);
  }

  /** Reads the head of a body from this chunk, or as much as there is of it. Returns how many bytes that were. */
  #readHead(chunk: Uint8Array, at: number): number {
    if (this.#head === undefined) {
      const view = chunk.subarray(at, at + this.#length);
      const need = this.#headLength(view);
      if (this.#fault !== undefined) return 0;
      if (need !== undefined && need <= view.length) {
        this.#endHead(view, need);
        return need;
      }
      this.#head = new Uint8Array(Math.min(this.#length, need ?? TOPIC_BYTES_MAX + 4));
      this.#filled = 0;
    }
    const step = Math.min(this.#head.length - this.#filled, chunk.length - at);
    this.#head.set(chunk.subarray(at, at + step), this.#filled);
    this.#filled += step;
    return this.#continueHead(step);
  }

  /** A gathered head may turn out to be shorter than what was gathered: the bytes past it belong to the payload. */
  #continueHead(step: number): number {
    const gathered = (this.#head as Uint8Array).subarray(0, this.#filled);
    const need = this.#headLength(gathered);
    if (this.#fault === undefined && need !== undefined && need <= gathered.length) {
      this.#head = undefined;
      this.#endHead(gathered, need);
      const over = gathered.length - need;
      if (this.#fault === undefined) this.#skip(over);
    }
    return step;
  }

  #skip(bytes: number): void {
    if (bytes === 0) return;
    this.#rest -= bytes;
    if (this.#rest === 0) this.#endPacket();
  }

  /** How long the head of this body is: topic and packet id of a PUBLISH, all of any other; undefined if that cannot be told yet. */
  #headLength(body: Uint8Array): number | undefined {
    if (this.#type !== PACKET.publish) return this.#length;
    if (body.length < 2) return undefined;
    const topic = ((body[0] as number) << 8) | (body[1] as number);
    if (topic > TOPIC_BYTES_MAX) {
      this.#fail('bad-packet', `a topic of more than ${TOPIC_BYTES_MAX} bytes`);
      return undefined;
    }
    const need = 2 + topic + (this.#qos > 0 ? 2 : 0);
    if (need > this.#length) this.#fail('bad-packet', 'a PUBLISH that is cut short');
    return need;
  }

  #endHead(body: Uint8Array, need: number): undefined {
    const wrong =
      this.#type === PACKET.publish
        ? this.#publishFault(body, need)
        : this.#bodyFault(body.length === need ? body : body.subarray(0, need));
    if (wrong !== undefined) return this.#fail('bad-packet', wrong);
    if (this.#fault !== undefined) return;
    this.#rest = this.#length - need;
    if (this.#rest > 0) this.#stage = 'rest';
    else this.#endPacket();
  }

  #bodyFault(head: Uint8Array): string | undefined {
    switch (this.#type) {
      case PACKET.connect:
        return this.#readConnect(head);
      case PACKET.subscribe:
      case PACKET.unsubscribe:
        return filtersFault(this.#type, head);
      case PACKET.pingreq:
        return undefined;
      case PACKET.disconnect:
        this.#isEnded = true;
        return undefined;
      default:
        return this.#ids.acknowledgementFault(this.#type, ((head[0] as number) << 8) | (head[1] as number));
    }
  }

  #publishFault(head: Uint8Array, need: number): string | undefined {
    const end = need - (this.#qos > 0 ? 2 : 0);
    const wrong = topicFault(head, 2, end);
    if (wrong !== undefined) return wrong;
    this.#inFlight += 1;
    this.#inFlightBytes += this.#length;
    if (this.#qos === 0) return undefined;
    const id = ((head[end] as number) << 8) | (head[end + 1] as number);
    return this.#ids.publishFault(this.#qos, id);
  }

  #readConnect(body: Uint8Array): undefined {
    const read = readConnect(body);
    if (read.kind === 'ok') this.#connect = read.value;
    else this.#fail('bad-connect', read.detail, read.returnCode);
  }

  #endPacket(): void {
    this.#stage = 'first';
    this.#options.budget.give(this.#held);
    this.#held = 0;
  }

  #fail(kind: GuardFault['kind'], detail: string, returnCode?: number): undefined {
    this.#fault ??= { kind, detail, ...(returnCode !== undefined && { returnCode }) };
  }
}

const chunkless = new Uint8Array(0);
