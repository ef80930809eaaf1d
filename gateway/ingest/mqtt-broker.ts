/**
 * The embedded broker: aedes, MQTT 3.1.1 over TCP. The one file that knows aedes.
 *
 * aedes writes PUBACK right after `authorizePublish` calls back, so everything up to the durable commit happens in there.
 * The messages of one socket read run concurrently and the next read waits for them: that is the back-pressure.
 */
import type { EventEmitter } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { encodeCbor } from '../../src/cbor.ts';
import type { Beacon } from '../../src/statement.ts';
import { GatewayError } from '../errors.ts';
import type { Clock, DeviceOutlet, Intake, Logger, SequenceRange } from '../ports.ts';
import { encodeAck, encodeRequest } from './answers.ts';
import { type ConnectFields, connectRefusal } from './connect-rules.ts';
import { FrameBudget, FrameGuard } from './frame-guard.ts';
import { PenaltyBox } from './penalty-box.ts';
import { RefusalMeter } from './refusal-meter.ts';
import { acksTopic, BEACON_TOPIC, deviceOfStatementsTopic, maySubscribe, requestsTopic } from './topics.ts';

/** Why a connection was refused or closed; a metric label. */
export type CloseReason =
  | 'bad-connect'
  | 'shut-out'
  | 'unknown-device'
  | 'foreign-topic'
  | 'oversize'
  | 'flood'
  | 'overloaded'
  | 'too-many-connections'
  | 'gateway-failure';

export interface MqttBrokerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly maxConnections: number;
  /** Longest MQTT packet read into memory. */
  readonly maxPacketBytes: number;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onClose: (reason: CloseReason) => void;
  readonly onConnections: (count: number) => void;
}

interface Session {
  readonly device: string;
  readonly penaltyName: string;
  readonly refusals: RefusalMeter;
  wantsAcks: boolean;
}

/** Longest name of a session: a URN, a space and a client id. */
const SESSION_NAME_MAX = 512;
const NO_PAYLOAD = Buffer.alloc(0);
/** What unfinished packets of all connections may hold in memory: two hundred of the longest, or any number of ordinary ones. */
const UNFINISHED_BYTES_MAX = 64 * 1024 * 1024;
/** How long a client may leave what is sent to it unread before it is cut off. No basis yet; far above any round trip. */
const UNREAD_AT_MOST_MS = 10_000;

type Done = (error?: Error | null) => void;
type Publish = { topic: string; payload: Buffer | string; retain?: boolean; messageId?: number; qos: number };

/** Takes statements over MQTT and answers on the devices' topics. */
export class MqttBroker implements DeviceOutlet {
  readonly #options: MqttBrokerOptions;
  readonly #sessions = new WeakMap<Client, Session>();
  readonly #penalties: PenaltyBox;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #frames = new FrameBudget(UNFINISHED_BYTES_MAX);
  #aedes: Aedes | undefined;

  constructor(options: MqttBrokerOptions) {
    this.#options = options;
    this.#penalties = new PenaltyBox(options.clock);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('drop', () => options.onClose('too-many-connections'));
  }

  /** Starts listening and returns the port. Throws GatewayError port-in-use. */
  async listen(): Promise<number> {
    const aedes = await Aedes.createBroker({
      maxTopicLevels: 4,
      maxClientsIdLength: SESSION_NAME_MAX,
      drainTimeout: UNREAD_AT_MOST_MS,
      // No limit on messages under way: behind a full one every device would wait for one that does not read.
      concurrency: 0,
    });
    this.#aedes = aedes;
    // Of its own housekeeping, and not in its types; unheard, it would end the process.
    (aedes as EventEmitter).on('error', (error: Error) => {
      this.#options.logger.warn({ reason: error.message }, 'the broker could not tidy up');
    });
    aedes.preConnect = (client, packet, done) => this.#preConnect(client, packet as ConnectFields, done);
    aedes.authenticate = (_client, _username, _password, done) => done(null, true);
    aedes.authorizePublish = (client, packet, done) => void this.#receive(client, packet as Publish, done);
    aedes.authorizeForward = (client, packet) => {
      const session = this.#sessions.get(client);
      return session !== undefined && maySubscribe(session.device, packet.topic) ? packet : null;
    };
    aedes.authorizeSubscribe = (client, subscription, done) => {
      const session = this.#sessions.get(client);
      const allowed = session !== undefined && maySubscribe(session.device, subscription.topic);
      if (allowed && subscription.topic === acksTopic(session.device)) session.wantsAcks = true;
      done(null, allowed ? subscription : null);
    };
    for (const event of ['clientReady', 'clientDisconnect'] as const) {
      aedes.on(event, () => this.#options.onConnections(aedes.connectedClients));
    }
    for (const event of ['clientError', 'connectionError'] as const) {
      aedes.on(event, (client, error) => {
        this.#options.logger.debug(
          { device: this.#sessions.get(client)?.device, reason: error.message },
          'connection closed',
        );
      });
    }
    await this.#bind(aedes);
    const { port } = this.#options;
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Takes the port. A broker that cannot is closed, or its timers would keep the process up. */
  async #bind(aedes: Aedes): Promise<void> {
    const { host, port } = this.#options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)));
        this.#server.listen(port, host, resolve);
      });
    } catch (error) {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      throw error;
    }
  }

  publishBeacon(beacon: Beacon, timeSeconds: number): void {
    const payload = encodeCbor([beacon.blockNumber, beacon.blockHash, timeSeconds]);
    this.#publish(BEACON_TOPIC, payload, 1, true);
  }

  requestResend(device: string, ranges: readonly SequenceRange[]): void {
    this.#publish(requestsTopic(device), encodeRequest(ranges), 1, false);
  }

  /** Closes every connection, then the port. Statements under way have been acknowledged or will be sent again. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) =>
      this.#aedes === undefined ? resolve() : this.#aedes.close(() => resolve()),
    );
    for (const socket of this.#sockets) socket.destroy(); // aedes knows only those that said CONNECT
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const guard = new FrameGuard(this.#options.maxPacketBytes, this.#frames);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      guard.release();
    });
    socket.setNoDelay(true); // acknowledgements are small and awaited
    const read = socket.read.bind(socket);
    // aedes pulls with read(); looking at the chunk there costs no copy and lets no oversize packet be gathered.
    socket.read = (size?: number) => {
      const chunk = read(size) as Buffer | null;
      const verdict = chunk === null ? 'ok' : guard.scan(chunk);
      if (verdict === 'ok') return chunk;
      this.#cutOff(socket, verdict);
      return null;
    };
    this.#aedes?.handle(socket);
  }

  /** Ends a connection whose next packet must not be read. Before CONNECT there is no name to remember. */
  #cutOff(socket: Socket & { readonly client?: Client }, reason: 'oversize' | 'overloaded'): void {
    const session = socket.client && this.#sessions.get(socket.client);
    if (session !== undefined && reason === 'oversize') this.#penalties.strike(session.penaltyName);
    this.#options.onClose(reason);
    socket.destroy(new Error('a packet announces more bytes than this gateway takes now'));
  }

  #preConnect(
    client: Client,
    packet: ConnectFields,
    done: (error: Error | null, success: boolean) => void,
  ): void {
    const device = String(packet.username ?? '');
    const penaltyName = `${(client.conn as Socket).remoteAddress ?? ''} ${device}`;
    const refusal = connectRefusal(packet); // attacker-controlled
    if (refusal !== undefined) {
      this.#options.onClose('bad-connect');
      done(new Error(refusal), false);
      return;
    }
    if (this.#penalties.isShutOut(penaltyName)) {
      this.#options.onClose('shut-out');
      done(new Error('shut out for a while after abuse'), false);
      return;
    }
    const refusals = new RefusalMeter(this.#options.clock);
    this.#sessions.set(client, { device, penaltyName, refusals, wantsAcks: false });
    // A client id names a connection of this device and nobody else's; two makers' watches may both be called "watch".
    if (packet.clientId !== undefined && packet.clientId !== '')
      packet.clientId = `${device} ${packet.clientId}`;
    // No session outlives its connection: what aedes keeps for absent clients has no bound, and it keeps the filters it
    // refused together with the ones it granted.
    packet.clean = true;
    done(null, true);
  }

  async #receive(client: Client | null, packet: Publish, done: Done): Promise<void> {
    const session = client === null ? undefined : this.#sessions.get(client);
    if (client === null || session === undefined) return done(new Error('no session'));
    const device = deviceOfStatementsTopic(packet.topic);
    if (device !== session.device || packet.messageId === 0)
      return this.#abuse(session, 'foreign-topic', done);
    packet.retain = false; // a reading must never stay in the broker's memory
    const payload = packet.payload;
    const bytes = Uint8Array.from(typeof payload === 'string' ? Buffer.from(payload) : payload);
    packet.payload = NO_PAYLOAD; // from here on the reading is the log's; there is nothing in aedes to give away
    try {
      const verdict = await this.#options.intake.submit({
        device,
        bytes,
        receivedAt: this.#options.clock.now(),
      });
      if (session.wantsAcks) this.#acknowledge(client, device, encodeAck(verdict, bytes));
      if (verdict.kind === 'reject' && (verdict.code === 'unknown-device' || verdict.code === 'oversize')) {
        return this.#abuse(session, verdict.code, done);
      }
      if (verdict.kind === 'reject' && session.refusals.note()) return this.#abuse(session, 'flood', done);
      if (verdict.kind !== 'reject') this.#penalties.forgive(session.penaltyName);
      done();
    } catch (cause) {
      // Ours to mend: no acknowledgement, and a closed socket makes a conforming client send again.
      this.#options.onClose('gateway-failure');
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#options.logger.warn(
        { device, reason: error.message },
        'statement not taken; the device will send it again',
      );
      done(error);
    }
  }

  #abuse(session: Session, reason: CloseReason, done: Done): void {
    const backOffMs = this.#penalties.strike(session.penaltyName);
    this.#options.onClose(reason);
    this.#options.logger.info({ device: session.device, reason, backOffMs }, 'connection closed for abuse');
    done(new Error(reason));
  }

  #acknowledge(client: Client, device: string, payload: Uint8Array): void {
    const packet = {
      cmd: 'publish',
      topic: acksTopic(device),
      payload: Buffer.from(payload),
      qos: 0,
      retain: false,
      dup: false,
    } as const;
    client.publish(packet, () => undefined); // a device may never hear it
  }

  #publish(topic: string, bytes: Uint8Array, qos: 0 | 1, retain: boolean): void {
    const packet = { cmd: 'publish', topic, payload: Buffer.from(bytes), qos, retain, dup: false } as const;
    this.#aedes?.publish(packet as unknown as AedesPublishPacket, (error) => {
      if (error) this.#options.logger.debug({ topic, reason: error.message }, 'not published');
    });
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): GatewayError {
  if (cause.code === 'EADDRINUSE') {
    return new GatewayError(
      'port-in-use',
      `MQTT port ${host}:${port} is in use; stop what holds it or set mqtt.port`,
      { cause, fatal: true },
    );
  }
  return new GatewayError('port-in-use', `cannot listen on ${host}:${port}: ${cause.message}`, {
    cause,
    fatal: true,
  });
}
