/**
 * A small HTTP server around a Witness: POST /add-checkpoint, GET /health. It speaks plain HTTP: what it takes and gives is signed.
 * Bodies are bounded in size, number and rate, so that nobody can fill the memory or wear out the disk.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ADD_CHECKPOINT_PATH, WITNESS_MESSAGE_MAX_BYTES } from '../src/tlog-witness.ts';
import { RateLimit } from './rate-limit.ts';
import type { Reply } from './witness.ts';

export interface WitnessServerOptions {
  readonly host: string;
  readonly port: number;
  readonly requestsPerMinute: number;
  readonly addCheckpoint: (body: string) => Promise<Reply>;
  /** Told of a failure of ours, after the caller has been answered 500. The witness must stop then. */
  readonly onFailure: (error: unknown) => void;
}

const MAX_CONNECTIONS = 256;
const TEXT = 'text/plain; charset=utf-8';
const RETRY_AFTER_SECONDS = '60';

export class WitnessServer {
  readonly #options: WitnessServerOptions;
  readonly #server: http.Server;
  readonly #rate: RateLimit;
  #failed = false;

  constructor(options: WitnessServerOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.requestsPerMinute, () => performance.now());
    this.#server = http.createServer(
      { requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** The submission prefix. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Rejects with the system's error when the address cannot be had. */
  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, resolve);
    await promise;
    this.#server.off('error', reject);
  }

  /** Takes nothing new, lets what is under way finish, and closes. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    await promise;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const path = request.url?.split('?', 1)[0];
      if (path === '/health' && request.method === 'GET') return answer(response, 200, 'ok\n');
      if (path !== ADD_CHECKPOINT_PATH)
        return turnAway(request, response, 404, 'there is nothing under this path');
      if (request.method !== 'POST')
        return turnAway(request, response, 405, 'POST is all there is', { allow: 'POST' });
      if (!this.#rate.allow(request.socket.remoteAddress ?? ''))
        return turnAway(request, response, 429, 'too many requests', { 'retry-after': RETRY_AFTER_SECONDS });
      const body = await readBody(request);
      if (body === undefined) return turnAway(request, response, 413, 'the request is too long');
      if (this.#failed) return answer(response, 500, 'the witness has failed and stops\n');
      const reply = await this.#options.addCheckpoint(body);
      answer(response, reply.status, reply.body, { 'content-type': reply.contentType });
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.#failed = true;
      answer(response, 500, 'the state of the witness fails\n');
      this.#options.onFailure(error);
    }
  }
}

/** The whole body, or `undefined` as soon as it is known to be too long. What is no UTF-8 becomes text that no request holds. */
async function readBody(request: http.IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > WITNESS_MESSAGE_MAX_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  // attacker-controlled
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > WITNESS_MESSAGE_MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers before the body has come, and throws the body away: closing under a sender that still writes would lose the answer. */
function turnAway(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, `${reason}\n`, headers);
  request.resume();
}

function answer(
  response: http.ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': TEXT, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
