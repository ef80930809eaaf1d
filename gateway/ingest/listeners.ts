/** The ports: one without TLS, one with, or both. */
import { createServer, type Server, type Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../ports.ts';

/** Where to listen. */
export interface Endpoint {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The setting to name when the port is taken. */
  readonly setting: string;
}

/** The ports that were taken; 0 for one that was not asked for. */
export interface Listening {
  readonly port: number;
  readonly tlsPort: number;
}

export interface ListenerEvents {
  readonly handshakeMs: number;
  readonly logger: Logger;
  /** A socket has come; false when it was closed at once. */
  readonly onSocket: (socket: Socket) => boolean;
  /** The stream to read is there; for TLS another than the socket that came. */
  readonly onReady: (raw: Socket, stream: Socket) => void;
  readonly onTlsFailure: (raw: Socket) => void;
}

export class Listeners {
  readonly #endpoints: readonly Endpoint[];
  readonly #events: ListenerEvents;
  readonly #servers: Server[] = [];

  constructor(endpoints: readonly Endpoint[], events: ListenerEvents) {
    this.#endpoints = endpoints;
    this.#events = events;
  }

  /** Takes all ports, or none and throws GatewayError port-in-use. */
  async listen(): Promise<Listening> {
    const ports = { port: 0, tlsPort: 0 };
    try {
      for (const endpoint of this.#endpoints) {
        const server = createServer((socket) => {
          if (this.#events.onSocket(socket)) this.#events.onReady(socket, socket);
        });
        ports.port = await listenOn(server, endpoint);
        this.#servers.push(server);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    return ports;
  }

  /** Takes no more. Resolves once every connection has ended. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }
}

async function listenOn(server: Server, { host, port, setting }: Endpoint): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port, setting)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function listenError(
  cause: NodeJS.ErrnoException,
  host: string,
  port: number,
  setting: string,
): GatewayError {
  const message =
    cause.code === 'EADDRINUSE'
      ? `MQTT port ${host}:${port} is in use; stop what holds it or set ${setting}`
      : `cannot listen on ${host}:${port}: ${cause.message}`;
  return new GatewayError('port-in-use', message, { cause, fatal: true });
}
