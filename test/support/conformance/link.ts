/** One client connection of a conformance case: whole packets in, raw bytes out. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the broker did next: a packet, an end, or nothing in the time given. */
export type Heard = Buffer | 'closed' | 'silent';

export class Link {
  readonly #socket: Socket;
  readonly #packets: Buffer[] = [];
  #input = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // a reset is one way of being closed
    socket.on('data', (chunk) => this.#take(chunk));
    socket.once('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** @param from the loopback address to come from: brokers count failures by address */
  static async open(port: number, from: string): Promise<Link> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    const link = new Link(socket);
    await once(socket, 'connect');
    return link;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends each byte in a segment of its own. */
  async trickle(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.#socket.write(Uint8Array.of(byte));
      await delay(1);
    }
  }

  /** The next packet; the end of the connection once all packets before it have been taken. */
  async next(withinMs: number): Promise<Heard> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const packet = this.#packets.shift();
      if (packet !== undefined) return packet;
      if (this.#isClosed) return 'closed';
      const left = deadline - Date.now();
      if (left <= 0) return 'silent';
      const stirred = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const timer = setTimeout(() => this.#wake(), left);
      await stirred;
      clearTimeout(timer);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (let end = this.#packetEnd(); end !== undefined; end = this.#packetEnd()) {
      this.#packets.push(this.#input.subarray(0, end));
      this.#input = this.#input.subarray(end);
    }
    this.#wake();
  }

  /** Where the first packet ends, once all of it is there (MQTT 3.1.1 section 2.2.3). */
  #packetEnd(): number | undefined {
    let length = 0;
    for (let at = 1; at < this.#input.length && at < 5; at++) {
      const byte = this.#input[at] as number;
      length += (byte & 0x7f) * 128 ** (at - 1);
      if ((byte & 0x80) !== 0) continue;
      const end = at + 1 + length;
      return end <= this.#input.length ? end : undefined;
    }
    return undefined;
  }
}
