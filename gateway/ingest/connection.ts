/**
 * One client's socket: what may be read of it, and when. aedes pulls with `socket.read()`; looking at the chunk there costs no copy,
 * and answering `null` there is the back-pressure: the bytes stay in the socket, the socket stops reading from the kernel, and the
 * sender stops.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../ports.ts';
import type { PacketGuard } from './packet-guard.ts';
import type { Reader, ReadGate } from './read-gate.ts';
import type { Session } from './session.ts';
import type { TokenBucket } from './token-bucket.ts';

/** After so many bytes that a client leaves unread, it hears nothing that it can do without. */
const UNREAD_BYTES_MAX = 256 * 1024;

export interface ConnectionOptions {
  /** Counts connections since the start: its name inside the broker library. */
  readonly number: number;
  /** The group its address counts to. */
  readonly address: string;
  readonly guard: PacketGuard;
  readonly gate: ReadGate;
  /** What it may send in the long run. */
  readonly packets: TokenBucket;
  readonly bytes: TokenBucket;
  /** Must not go back. */
  readonly clock: Clock;
  /** The stream holds what must not be read; the connection has to be closed. */
  readonly onFault: () => void;
  /** It sends faster than it may, and is not read from for a while. */
  readonly onSlowed: () => void;
}

export class Connection implements Reader {
  readonly number: number;
  readonly address: string;
  readonly guard: PacketGuard;
  readonly openedAt: number;
  /** Once it has said who it is. */
  session: Session | undefined;
  /** Why it was refused or is being closed, once that has been told. */
  closing: string | undefined;
  /** Silence after which it counts as gone, in milliseconds; 0 before its CONNECT. */
  idleMs = 0;
  #socket: Socket;
  #rawRead: (size?: number) => Buffer | null;
  readonly #options: ConnectionOptions;
  #lastReadAt: number;
  #packetBegunAt: number | undefined;
  #isAttached = false;
  #wantsRead = false;
  /** Not read because of messages under way, or before its CONNECT was answered. */
  #isHeld = false;
  #debtTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.number = options.number;
    this.address = options.address;
    this.guard = options.guard;
    this.openedAt = options.clock.now();
    this.#lastReadAt = this.openedAt;
    this.#socket = socket;
    this.#rawRead = socket.read.bind(socket);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Whether there is a stream to read: for TLS once the handshake is done. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** From here on this is the stream that is read: for TLS the decrypted one. */
  attach(socket: Socket): void {
    this.#isAttached = true;
    this.#socket = socket;
    this.#rawRead = socket.read.bind(socket);
    socket.read = (size?: number) => this.#read(size);
  }

  /** Whether the client leaves so much unread that it is better not sent more of what it can do without. */
  get isDeaf(): boolean {
    return this.#socket.writableLength > UNREAD_BYTES_MAX;
  }

  /** A message has been dealt with; there may be room for the next. */
  settled(bytes: number): void {
    this.guard.settled(bytes);
    if (!this.#isHeld || this.guard.isHeld) return;
    this.#isHeld = false;
    this.resume();
  }

  /** Its CONNECT was answered with a welcome. */
  open(): void {
    this.guard.open();
    this.#isHeld = false;
    this.resume();
  }

  resume(): void {
    // Still wanted until it is read: with messages of the last read under way the library reads when those are done.
    if (this.#wantsRead && !this.#socket.destroyed) this.#socket.emit('readable');
  }

  /** How long it has said nothing, in milliseconds: 0 while it is the gateway that does not listen. */
  silentMs(now: number): number {
    if (this.#wantsRead) this.#lastReadAt = now;
    return now - this.#lastReadAt;
  }

  /** How long a packet has been unfinished that it has begun, in milliseconds. */
  unfinishedMs(now: number): number {
    if (this.#packetBegunAt === undefined) return 0;
    if (this.#wantsRead) this.#packetBegunAt = now;
    return now - this.#packetBegunAt;
  }

  /** Answers a refused CONNECT and closes. Nothing more is read. */
  endWith(answer: Uint8Array): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(answer);
    this.#socket.destroySoon();
  }

  /** Called when the socket has closed. */
  release(): void {
    clearTimeout(this.#debtTimer);
    this.#options.gate.leave(this);
    this.guard.release();
  }

  #read(size?: number): Buffer | null {
    if (this.#socket.destroyed || this.guard.fault !== undefined) return null;
    if (!this.#mayRead()) {
      this.#wantsRead = true;
      return null;
    }
    this.#wantsRead = false;
    const chunk = this.#rawRead(size);
    if (chunk === null) return null;
    const passed = this.guard.scan(chunk);
    if (passed < 0) {
      this.#options.onFault();
      return null;
    }
    this.#note(passed);
    if (passed === chunk.length) return chunk;
    this.#socket.unshift(chunk.subarray(passed));
    this.#wantsRead = true;
    this.#isHeld = true;
    return passed === 0 ? null : chunk.subarray(0, passed);
  }

  #mayRead(): boolean {
    this.#isHeld = this.guard.isHeld;
    if (this.#isHeld || this.#debtTimer !== undefined) return false;
    // A CONNECT takes no room of the intake; nothing behind it passes the guard before it is answered.
    return this.guard.connect === undefined || this.#options.gate.pass(this);
  }

  #note(bytes: number): void {
    const { clock, packets, bytes: byteRate } = this.#options;
    this.#lastReadAt = clock.now();
    const begun = this.guard.takePacketCount();
    if (!this.guard.isInsidePacket) this.#packetBegunAt = undefined;
    else if (begun > 0) this.#packetBegunAt = this.#lastReadAt;
    const debtMs = Math.max(packets.spend(begun), byteRate.spend(bytes));
    if (debtMs === 0) return;
    this.#options.onSlowed();
    this.#debtTimer = setTimeout(() => {
      this.#debtTimer = undefined;
      this.resume();
    }, debtMs);
  }
}
