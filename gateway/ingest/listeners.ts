/** The ports: one without TLS, one with, or both. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../ports.ts';
import { type TlsFileNames, TlsFiles } from './tls-files.ts';

/** Where to listen. */
export interface Endpoint {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The setting to name when the port is taken. */
  readonly setting: string;
  /** With TLS. */
  readonly tls?: TlsFileNames & {
    /** Whether clients are asked for a certificate, and whether those without a good one are sent away at once. */
    readonly clientCertificate: 'none' | 'optional' | 'required';
  };
}

/** The ports that were taken; 0 for one that was not asked for. */
export interface Listening {
  readonly port: number;
  readonly tlsPort: number;
}

export interface ListenerEvents {
  /** Longest TLS handshake, in milliseconds. */
  readonly handshakeMs: number;
  readonly logger: Logger;
  /** A socket has come; false when it was closed at once. */
  readonly onSocket: (socket: Socket) => boolean;
  /** The stream to read is there; for TLS another than the socket that came. */
  readonly onReady: (raw: Socket, stream: Socket) => void;
}

export class Listeners {
  readonly #endpoints: readonly Endpoint[];
  readonly #events: ListenerEvents;
  readonly #servers: Server[] = [];
  readonly #files: TlsFiles[] = [];

  constructor(endpoints: readonly Endpoint[], events: ListenerEvents) {
    this.#endpoints = endpoints;
    this.#events = events;
  }

  /** Takes all ports, or none and throws GatewayError port-in-use. */
  async listen(): Promise<Listening> {
    const ports = { port: 0, tlsPort: 0 };
    try {
      for (const endpoint of this.#endpoints) {
        const onReady = endpoint.tls === undefined ? this.#plain() : this.#secured(endpoint.tls);
        const server = createServer((socket) => {
          if (this.#events.onSocket(socket)) onReady(socket);
        });
        ports[endpoint.tls === undefined ? 'port' : 'tlsPort'] = await listenOn(server, endpoint);
        this.#servers.push(server);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    return ports;
  }

  /** When the certificate that ends first ends, milliseconds since the Unix epoch; undefined without TLS. */
  get certificateExpiresAt(): number | undefined {
    return this.#files.length === 0 ? undefined : Math.min(...this.#files.map(({ expiresAt }) => expiresAt));
  }

  #plain(): (socket: Socket) => void {
    return (socket) => this.#events.onReady(socket, socket);
  }

  /** A TLS server that listens nowhere: it is handed the sockets that were let in, so that no other costs a handshake. */
  #secured(tls: NonNullable<Endpoint['tls']>): (socket: Socket) => void {
    const files = new TlsFiles(tls, this.#events.logger);
    this.#files.push(files);
    const server: TlsServer = createTlsServer({
      ...files.options,
      handshakeTimeout: this.#events.handshakeMs,
      requestCert: tls.clientCertificate !== 'none',
      rejectUnauthorized: tls.clientCertificate === 'required',
    });
    files.watch((options) => server.setSecureContext(options));
    // Which socket a finished handshake was on is not told; its two ends are.
    const shaking = new Map<string, Socket>();
    server.on('secureConnection', (stream) => {
      const raw = shaking.get(endsOf(stream));
      if (raw === undefined) stream.destroy();
      else this.#events.onReady(raw, stream);
    });
    server.on('tlsClientError', (error, stream) => {
      this.#events.logger.debug({ reason: error.message }, 'TLS handshake failed');
      stream.destroy();
    });
    return (socket) => {
      const ends = endsOf(socket);
      shaking.set(ends, socket);
      socket.once('close', () => shaking.delete(ends));
      server.emit('connection', socket);
    };
  }

  /** Takes no more. Resolves once every connection has ended. */
  async close(): Promise<void> {
    for (const files of this.#files.splice(0)) files.close();
    await Promise.all(
      this.#servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
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
