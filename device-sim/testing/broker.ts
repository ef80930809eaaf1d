/** A real broker for tests: aedes over TCP on a port of its own, which records what it acknowledges. */
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket } from 'aedes';

export interface ReceivedMessage {
  readonly topic: string;
  readonly client: string;
  readonly bytes: Uint8Array;
}

/** Decides about one message before its PUBACK; throwing closes the socket. */
export type Inspect = (message: ReceivedMessage) => void | Promise<void>;

export class TestBroker {
  readonly url: string;
  readonly port: number;
  readonly received: ReceivedMessage[] = [];
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: (() => void)[] = [];

  private constructor(aedes: Aedes, server: Server, port: number) {
    this.#aedes = aedes;
    this.#server = server;
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Starts a broker on `port`, by default a free one. */
  static async start(inspect: Inspect = () => undefined, port = 0): Promise<TestBroker> {
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const broker = new TestBroker(aedes, server, address.port);
    aedes.authorizePublish = (client, packet, done) => {
      const message = {
        topic: packet.topic,
        client: client?.id ?? '',
        bytes: Uint8Array.from(Buffer.from(packet.payload)),
      };
      Promise.resolve()
        .then(() => inspect(message))
        .then(
          () => {
            broker.received.push(message);
            for (const resolve of broker.#waiting.splice(0)) resolve();
            done(null);
          },
          (error: Error) => done(error),
        );
    };
    return broker;
  }

  /** Resolves once `condition` holds, looked at after each message. */
  async until(condition: (received: readonly ReceivedMessage[]) => boolean): Promise<void> {
    while (!condition(this.received)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Publishes to whoever is subscribed; resolves once the broker has handed it on. */
  publish(
    topic: string,
    payload: Uint8Array,
    options: { qos?: 0 | 1; retain?: boolean } = {},
  ): Promise<void> {
    const packet = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 0,
      retain: false,
      dup: false,
      ...options,
    };
    return new Promise((resolve) => {
      this.#aedes.publish(packet as unknown as AedesPublishPacket, () => resolve());
    });
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    this.cut();
    await closed;
  }
}
