/**
 * The embedded broker: aedes, MQTT 3.1.1 over TCP and TLS. The one file that knows aedes.
 *
 * aedes writes PUBACK right after `authorizePublish` calls back, so everything up to the durable commit happens in there.
 * Every connection has a client id of the gateway's own making there, and nothing that a client calls itself. Where two have one
 * id, aedes waits for the older to close before it registers the newer, which may have closed meanwhile and is then kept for good,
 * or counts out the newer when the older has gone; so taking over is the warden's, and aedes never sees one id twice.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Aedes, type AedesPublishPacket, type Client, type ConnectPacket, type Subscription } from 'aedes';
import { encodeCbor } from '../../src/cbor.ts';
import type { Beacon } from '../../src/statement.ts';
import { isWithheld } from '../errors.ts';
import type { Clock, DeviceOutlet, Intake, Logger, SequenceRange } from '../ports.ts';
import { encodeAck, encodeChallenge, encodeRequest } from './answers.ts';
import type { CloseReason } from './close-reason.ts';
import type { Connection } from './connection.ts';
import { openMessages } from './open-messages.ts';
import { faultOf } from './session.ts';
import { type Listening, SocketWarden, type WardenOptions } from './socket-warden.ts';
import {
  acksTopic,
  BEACON_TOPIC,
  challengeTopic,
  deviceOfStatementsTopic,
  maySubscribe,
  requestsTopic,
} from './topics.ts';

export interface MqttBrokerOptions extends Omit<WardenOptions, 'handle' | 'monotonic'> {
  readonly intake: Intake;
  readonly clock: Clock;
  /** Milliseconds that never go back, for limits and back-offs. Default: the machine's. */
  readonly monotonic?: Clock;
  readonly logger: Logger;
  /** Called when a device has come to hear its requests. */
  readonly onListening?: (device: string) => void;
}

const NO_PAYLOAD = Buffer.alloc(0);
/** How long a client may leave what is sent to it unread before it is cut off. No basis yet; far above any round trip. */
const UNREAD_AT_MOST_MS = 10_000;
/** The warden closes what is slow to connect; this is only so that aedes does not do it before. */
const CONNECT_TIMEOUT_SLACK_MS = 5_000;

type Done = (error?: Error | null) => void;
type Publish = {
  topic: string;
  payload: Buffer | string;
  retain?: boolean;
  cmd?: string;
  /** Of the packet's body, when it came over the wire. */
  length?: number;
};

/** Takes statements over MQTT and answers on the devices' topics. */
export class MqttBroker implements DeviceOutlet {
  readonly #options: MqttBrokerOptions;
  readonly #warden: SocketWarden;
  readonly #connections = new WeakMap<Client, Connection>();
  #connected = 0;
  #aedes: Aedes | undefined;

  constructor(options: MqttBrokerOptions) {
    this.#options = options;
    const monotonic = options.monotonic ?? { now: () => performance.now() };
    this.#warden = new SocketWarden({
      ...options,
      monotonic,
      handle: (socket) => this.#aedes?.handle(socket),
    });
  }

  /** Connections that wait to be read because the intake has no room. */
  get waiting(): number {
    return this.#warden.waiting;
  }

  /** When the certificate of the TLS port ends, milliseconds since the Unix epoch; undefined without one. */
  get certificateExpiresAt(): number | undefined {
    return this.#warden.certificateExpiresAt;
  }

  /** Clients that aedes holds: as many as are connected, or something leaks. */
  get registered(): number {
    return Object.keys((this.#aedes as unknown as { clients: object } | undefined)?.clients ?? {}).length;
  }

  /** Starts listening and returns the ports. Throws GatewayError port-in-use or key-unreadable. */
  async listen(): Promise<Listening> {
    const aedes = await Aedes.createBroker({
      maxTopicLevels: 4,
      drainTimeout: UNREAD_AT_MOST_MS,
      connectTimeout: this.#options.limits.connectSeconds * 1000 + CONNECT_TIMEOUT_SLACK_MS,
      // No limit on messages under way: behind a full one every device would wait for one that does not read.
      concurrency: 0,
    });
    this.#aedes = aedes;
    // Not in its types: what its own memory would keep for good, connection by connection.
    Object.assign((aedes as unknown as { persistence: object }).persistence, openMessages());
    this.#hook(aedes);
    this.#watch(aedes);
    try {
      return await this.#warden.listen();
    } catch (error) {
      // A broker that cannot listen is closed, or its timers would keep the process up.
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

  /** Called after the commit of anything that changed a device: connections it may not have any more are closed at once. */
  deviceChanged(device: string): void {
    this.#warden.deviceChanged(device);
  }

  /** Closes the ports, then every connection. Statements under way have been acknowledged or will be sent again. */
  async close(): Promise<void> {
    const closed = this.#warden.closePorts();
    await new Promise<void>((resolve) =>
      this.#aedes === undefined ? resolve() : this.#aedes.close(() => resolve()),
    );
    this.#warden.destroyAll(); // aedes knows only those that said CONNECT
    await closed;
  }

  #hook(aedes: Aedes): void {
    aedes.preConnect = (client, packet, done) => this.#preConnect(client, packet, done);
    aedes.authenticate = (client, _username, _password, done) => {
      const connection = this.#connections.get(client);
      const refusal = connection === undefined ? { returnCode: 3 } : this.#warden.identify(connection);
      if (refusal === undefined) done(null, true);
      else done(Object.assign(new Error('refused'), { returnCode: refusal.returnCode }), false);
    };
    aedes.authorizePublish = (client, packet, done) => void this.#receive(client, packet as Publish, done);
    aedes.authorizeForward = (client, packet) => this.#forward(client, packet);
    aedes.authorizeSubscribe = (client, subscription, done) => {
      done(null, this.#subscribe(client, subscription) ? subscription : null);
    };
  }

  #watch(aedes: Aedes): void {
    aedes.on('clientReady', (client) => {
      const connection = this.#connections.get(client);
      if (connection === undefined || connection.socket.destroyed) return; // gone before it was welcome
      this.#options.onConnections(++this.#connected);
      connection.socket.once('close', () => this.#options.onConnections(--this.#connected));
      connection.open();
    });
    aedes.on('subscribe', (subscriptions, client) => {
      this.#challenge(client);
      this.#hearListener(subscriptions, client);
    });
    aedes.on('unsubscribe', (topics, client) => {
      const { subscriptions } = this.#connections.get(client)?.session ?? {};
      for (const topic of topics) subscriptions?.delete(topic);
    });
    // Of its own housekeeping, and not in its types; unheard, it would end the process.
    (aedes as EventEmitter).on('error', (error: Error) => {
      this.#options.logger.warn({ reason: error.message }, 'the broker could not tidy up');
    });
    for (const event of ['clientError', 'connectionError'] as const) {
      aedes.on(event, (client, error) => {
        const device = this.#connections.get(client)?.session?.device;
        this.#options.logger.debug({ device, reason: error.message }, 'connection closed');
      });
    }
  }

  #preConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, success: boolean) => void,
  ): void {
    const connection = this.#warden.connectionOf(client.conn as Socket);
    if (connection === undefined) {
      done(new Error('no connection'), false);
      return;
    }
    this.#connections.set(client, connection);
    // Who it says it is was read strictly by the guard; what aedes made of it is put aside.
    const fields = packet as { clientId: string; clean: boolean; keepalive: number };
    fields.clientId = `#${connection.number}`;
    // No session outlives its connection: what aedes keeps for absent clients has no bound, and it keeps the filters it
    // refused together with the ones it granted.
    fields.clean = true;
    // The warden keeps the time: it knows when it was the gateway that did not read, and aedes would close for that.
    fields.keepalive = 0;
    done(null, true);
  }

  #subscribe(client: Client, { topic, qos }: Subscription): boolean {
    const session = this.#connections.get(client)?.session;
    if (session === undefined) return false;
    const isAllowed =
      session.proof === 'challenge'
        ? topic === challengeTopic(session.device)
        : maySubscribe(session.device, topic);
    if (!isAllowed) return false;
    session.subscriptions.set(topic, qos);
    return true;
  }

  /** Says when a device has come to hear its requests. */
  #hearListener(subscriptions: readonly { readonly topic: string }[], client: Client): void {
    const device = this.#connections.get(client)?.session?.device;
    if (device === undefined) return;
    const isListening = subscriptions.some(({ topic }) => topic === requestsTopic(device));
    if (isListening) this.#options.onListening?.(device);
  }

  /** What goes out to a client: its own topics, numbered here so that its PUBACK can be told from one of nothing. */
  #forward<P extends AedesPublishPacket>(client: Client, packet: P): P | null {
    const connection = this.#connections.get(client);
    const { session } = connection ?? {};
    const granted = session?.subscriptions.get(packet.topic);
    if (connection === undefined || granted === undefined || connection.isDeaf) return null;
    if (granted === 0) packet.qos = 0;
    if (packet.qos === 0) return packet;
    const messageId = connection.guard.nextPacketId();
    if (messageId === undefined) return null; // it has left too many without an answer
    packet.messageId = messageId;
    return packet;
  }

  async #receive(client: Client | null, packet: Publish, done: Done): Promise<void> {
    const connection = client === null ? undefined : this.#connections.get(client);
    const session = connection?.session;
    if (client === null || connection === undefined || session === undefined)
      return done(new Error('no session'));
    if (session.proof === 'challenge') return this.#abuse(connection, 'not-authorised', done);
    const device = deviceOfStatementsTopic(packet.topic);
    if (device !== session.device) return this.#abuse(connection, 'foreign-topic', done);
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
      this.#acknowledge(client, connection, () => encodeAck(verdict, bytes));
      const fault = faultOf(verdict, session);
      if (fault !== undefined) return this.#abuse(connection, fault, done);
      if (verdict.kind !== 'reject') this.#warden.behaved(connection, device);
      done();
    } catch (cause) {
      this.#notTaken(connection, device, cause, done);
    } finally {
      if (packet.cmd === 'publish') connection.settled(packet.length ?? 0); // a will did not come in a packet of its own
    }
  }

  #notTaken(connection: Connection, device: string, cause: unknown, done: Done): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    if (isWithheld(error)) this.#warden.withheld(connection, error.message);
    else {
      // Ours to mend: no acknowledgement, and a closed socket makes a conforming client send again.
      this.#options.onClose('gateway-failure');
      const what = 'statement not taken; the device will send it again';
      this.#options.logger.warn({ device, reason: error.message }, what);
    }
    done(error);
  }

  #abuse(connection: Connection, reason: CloseReason, done: Done): void {
    this.#warden.abused(connection, reason);
    done(new Error(reason));
  }

  /** Answers a subscription to the challenge topic; there is nothing else that such a connection could hear. */
  #challenge(client: Client): void {
    const connection = this.#connections.get(client);
    const { session } = connection ?? {};
    if (connection === undefined || session?.proof !== 'challenge' || session.subscriptions.size === 0)
      return;
    const challenge = encodeChallenge(this.#warden.challenge(session.device));
    this.#tell(client, challengeTopic(session.device), challenge);
  }

  /** Tells the connection that sent it what became of a statement, if it listens. */
  #acknowledge(client: Client, connection: Connection, encode: () => Uint8Array): void {
    const topic = acksTopic(connection.session?.device ?? '');
    if (connection.isDeaf || !connection.session?.subscriptions.has(topic)) return;
    this.#tell(client, topic, encode());
  }

  #tell(client: Client, topic: string, bytes: Uint8Array): void {
    const payload = Buffer.from(bytes);
    const packet = { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false } as const;
    client.publish(packet, () => undefined); // a device may never hear it
  }

  #publish(topic: string, bytes: Uint8Array, qos: 0 | 1, retain: boolean): void {
    const packet = { cmd: 'publish', topic, payload: Buffer.from(bytes), qos, retain, dup: false } as const;
    this.#aedes?.publish(packet as unknown as AedesPublishPacket, (error) => {
      if (error) this.#options.logger.debug({ topic, reason: error.message }, 'not published');
    });
  }
}
