/** Sends one generated stream to a gateway and sees it through to the end of its connection. */
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { FuzzStream } from '../support/mqtt-fuzz.ts';

/** How long a gateway may take to answer, and to close after a FIN. Long: it may be busy with all the others. */
const PATIENCE_MS = 20_000;
const PUBACK = 4;

export interface PlayedStream {
  readonly pubacks: number;
  /** What the gateway did that it must not. */
  readonly wrong?: string;
}

/** Resolves once the connection is closed. Rejects when there is no gateway to connect to. */
export async function playStream(port: number, stream: FuzzStream): Promise<PlayedStream> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: stream.address });
  const answers = new Answers(stream.ids);
  const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')));
  let refusal: Error | undefined;
  let isConnected = false;
  socket.setNoDelay(true);
  socket.once('connect', () => {
    isConnected = true;
  });
  socket.on('error', (error) => {
    if (!isConnected) refusal = error; // later ones are a reset, which is one way of being closed
  });
  socket.on('data', (chunk) => answers.take(chunk));
  for (const segment of stream.segments) {
    if (socket.destroyed) break;
    socket.write(segment);
    await turn();
  }
  const seen =
    stream.ending === 'answered' ? await within(Promise.race([closed, answers.complete])) : 'complete';
  if (stream.ending === 'reset') socket.resetAndDestroy();
  else socket.end();
  const end = await within(closed);
  socket.destroy();
  if (refusal !== undefined) throw refusal;
  const wrong = answers.wrong ?? (seen === 'late' ? answers.missing() : undefined);
  if (wrong !== undefined) return { pubacks: answers.count, wrong };
  if (end === 'late')
    return { pubacks: answers.count, wrong: `not closed ${PATIENCE_MS} ms after the client's FIN` };
  return { pubacks: answers.count };
}

/** What comes first: the event, or the end of all patience. */
async function within<T extends string>(event: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), PATIENCE_MS);
  });
  const first = await Promise.race([event, late]);
  clearTimeout(timer);
  return first;
}

/** The PUBACKs of one connection: each for a PUBLISH there was, and sooner or later one for each. */
class Answers {
  readonly #ids: ReadonlySet<number> | undefined;
  readonly #open: Set<number>;
  readonly #done = Promise.withResolvers<'complete'>();
  readonly complete = this.#done.promise;
  count = 0;
  wrong: string | undefined;
  #input = Buffer.alloc(0);

  constructor(ids: ReadonlySet<number> | undefined) {
    this.#ids = ids;
    this.#open = new Set(ids);
    if (this.#open.size === 0) this.#done.resolve('complete');
  }

  take(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (;;) {
      const [start, end] = packetBounds(this.#input);
      if (end > this.#input.length) return;
      if ((this.#input[0] as number) >> 4 === PUBACK) this.#acknowledge(this.#input.readUInt16BE(start));
      this.#input = this.#input.subarray(end);
    }
  }

  missing(): string {
    return `after ${PATIENCE_MS} ms on an open connection no PUBACK for ${[...this.#open].join(', ')}`;
  }

  #acknowledge(id: number): void {
    this.count += 1;
    if (this.#ids?.has(id) === false) this.wrong ??= `a PUBACK for ${id}, which was not sent`;
    this.#open.delete(id);
    if (this.#open.size === 0) this.#done.resolve('complete');
  }
}

/** Where the body of the first packet begins, and where the packet ends; infinitely far while that cannot be told. */
function packetBounds(bytes: Uint8Array): readonly [start: number, end: number] {
  let length = 0;
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) === 0) return [at + 1, at + 1 + length];
  }
  return [0, Number.POSITIVE_INFINITY];
}
