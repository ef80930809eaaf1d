/** Sends one generated stream to a gateway and sees it through to the end of its connection. */
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { FuzzStream } from '../support/mqtt-fuzz.ts';

/** How long a gateway may take to read what came before a FIN and to close. Long: it may be busy with all the others. */
const CLOSE_WITHIN_MS = 20_000;
const PUBACK = 4;

export interface PlayedStream {
  readonly pubacks: number;
  /** What the gateway did that it must not. */
  readonly wrong?: string;
}

/** Resolves once the connection is closed. Rejects when there is no gateway to connect to. */
export async function playStream(port: number, stream: FuzzStream): Promise<PlayedStream> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: stream.address });
  const heard: Buffer[] = [];
  let refusal: Error | undefined;
  let isConnected = false;
  socket.setNoDelay(true);
  socket.once('connect', () => {
    isConnected = true;
  });
  socket.on('error', (error) => {
    if (!isConnected) refusal = error; // later ones are a reset, which is one way of being closed
  });
  socket.on('data', (chunk) => heard.push(chunk));
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
  for (const segment of stream.segments) {
    if (socket.destroyed) break;
    socket.write(segment);
    await turn();
  }
  if (stream.ending === 'reset') socket.resetAndDestroy();
  else socket.end();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CLOSE_WITHIN_MS);
  });
  const isClosed = await Promise.race([closed, late]);
  clearTimeout(timer);
  socket.destroy();
  if (refusal !== undefined) throw refusal;
  if (!isClosed) return { pubacks: 0, wrong: `not closed ${CLOSE_WITHIN_MS} ms after the client's FIN` };
  return checkAnswers(Buffer.concat(heard), stream.ids);
}

/** Every PUBACK must be for a PUBLISH there was. The last packet may be cut short by a reset. */
function checkAnswers(bytes: Buffer, ids: ReadonlySet<number> | undefined): PlayedStream {
  let pubacks = 0;
  for (let at = 0; at + 1 < bytes.length; ) {
    const first = bytes[at] as number;
    let length = 0;
    let place = at + 1;
    for (let shift = 0; ; shift += 7, place++) {
      const byte = bytes[place];
      if (byte === undefined) return { pubacks };
      length += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
    }
    const body = bytes.subarray(place + 1, place + 1 + length);
    if (body.length < length) return { pubacks };
    at = place + 1 + length;
    if (first >> 4 !== PUBACK) continue;
    pubacks += 1;
    const id = body.readUInt16BE(0);
    if (ids !== undefined && !ids.has(id))
      return { pubacks, wrong: `a PUBACK for ${id}, which was not sent` };
  }
  return { pubacks };
}
