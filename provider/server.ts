/**
 * A small HTTP server around a Receiver: POST /deliveries, GET /health.
 *
 * It speaks plain HTTP: the body is sealed and signed whatever carries it. Put a TLS terminator in front where the
 * headers matter. Bodies are bounded in size and in number, so that nobody can fill the memory.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { DELIVERY_MEDIA_TYPE, DELIVERY_SEALED_MAX_BYTES } from '../src/delivery.ts';
import { WEBHOOK_ID_HEADER, WEBHOOK_SIGNATURE_HEADER, WEBHOOK_TIMESTAMP_HEADER } from '../src/webhook.ts';
import type { Reply } from './receiver.ts';

export const DELIVERIES_PATH = '/deliveries';

export interface DeliveryServerOptions {
  readonly host: string;
  readonly port: number;
  readonly receive: (headers: Headers, body: Uint8Array) => Promise<Reply>;
  /** Whether the store answers. */
  readonly isHealthy: () => boolean;
  /** Told of failures of ours, after the caller has been answered 503. */
  readonly onError: (error: unknown) => void;
}

/** The webhook headers of a request, as far as they are there once. */
export interface Headers {
  readonly id?: string;
  readonly timestamp?: string;
  readonly signature?: string;
}

const MAX_BODIES = 8;
const RETRY_AFTER_SECONDS = '5';

/** Listens, and gives the server once it does. Rejects with the system's error when the address cannot be had. */
export async function startDeliveryServer(options: DeliveryServerOptions): Promise<DeliveryServer> {
  const server = new DeliveryServer(options);
  await server.listen();
  return server;
}

export class DeliveryServer {
  readonly #options: DeliveryServerOptions;
  readonly #server: http.Server;
  #bodies = 0;

  constructor(options: DeliveryServerOptions) {
    this.#options = options;
    this.#server = http.createServer(
      { requestTimeout: 60_000, headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxConnections = 256;
  }

  /** Where deliveries are posted. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${DELIVERIES_PATH}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

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
      await this.#route(request, response);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.#options.onError(error);
      answer(response, 503, { code: 'store-unavailable' }, { 'retry-after': RETRY_AFTER_SECONDS });
    }
  }

  async #route(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0];
    if (path === '/health' && (request.method === 'GET' || request.method === 'HEAD')) {
      const healthy = this.#options.isHealthy();
      answer(response, healthy ? 200 : 503, { status: healthy ? 'ok' : 'store-unavailable' });
    } else if (path !== DELIVERIES_PATH) {
      turnAway(request, response, 404, 'not-found');
    } else if (request.method !== 'POST') {
      turnAway(request, response, 405, 'method-not-allowed', { allow: 'POST' });
    } else if (request.headers['content-type'] !== DELIVERY_MEDIA_TYPE) {
      turnAway(request, response, 415, 'unsupported-media-type');
    } else if (this.#bodies >= MAX_BODIES) {
      turnAway(request, response, 503, 'busy', { 'retry-after': RETRY_AFTER_SECONDS });
    } else {
      await this.#takeDelivery(request, response);
    }
  }

  async #takeDelivery(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#bodies += 1;
    try {
      const body = await readBody(request);
      if (body === undefined) return turnAway(request, response, 413, 'oversize');
      const { status, code, detail } = await this.#options.receive(webhookHeaders(request), body);
      answer(response, status, { code, detail });
    } finally {
      this.#bodies -= 1;
    }
  }
}

/** The whole body, or `undefined` as soon as it is known to be over the limit. */
async function readBody(request: http.IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > DELIVERY_SEALED_MAX_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  // attacker-controlled
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > DELIVERY_SEALED_MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function webhookHeaders({ headers }: http.IncomingMessage): Headers {
  const once = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [id, timestamp, signature] = [
    WEBHOOK_ID_HEADER,
    WEBHOOK_TIMESTAMP_HEADER,
    WEBHOOK_SIGNATURE_HEADER,
  ].map(once);
  return {
    ...(id === undefined ? {} : { id }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(signature === undefined ? {} : { signature }),
  };
}

/**
 * Answers before the body has come, and throws the body away. The connection stays open for that: closing it under
 * a sender that still writes would reset it, and the answer would be lost.
 */
function turnAway(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, { code }, headers);
  request.resume();
}

function answer(
  response: http.ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
