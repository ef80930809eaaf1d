/**
 * One network connection to an existing MQTT 5 broker. The one file of the gateway that knows the mqtt package.
 *
 * The package hands over one message at a time and sends PUBACK when `handleMessage` calls back, so by itself it takes one
 * statement a commit. Called back with an error it sends no PUBACK and goes on to the next message at once: that is how
 * many are in flight here. Ours follows on the same connection once the statement is durable, written by hand: four bytes
 * that MQTT 5 section 3.4 fixes, all those of one commit in one write.
 */
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';

/** What a broker asks of who connects. Bytes of PEM files. */
export interface Credentials {
  readonly username?: string;
  readonly password?: Buffer;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface ConnectionOptions {
  /** mqtt://host:port or mqtts://host:port, without credentials. */
  readonly url: string;
  /** Names the session at the broker; the same at every connection. */
  readonly clientId: string;
  readonly credentials: Credentials;
  /** $share/GROUP/FILTER. */
  readonly filter: string;
  /** `leave` ends the subscription and takes what the session still holds. */
  readonly subscription: 'keep' | 'leave';
  /** Messages not acknowledged that this side takes at once, as told to the broker (MQTT 5 section 3.1.2.11.3). */
  readonly receiveMaximum: number;
  /** Longest packet the broker may send (section 3.1.2.11.4). */
  readonly maxPacketBytes: number;
  readonly sessionExpirySeconds: number;
  /** Default a minute. */
  readonly keepaliveSeconds?: number;
}

/** A message as the broker handed it over. Nothing in it is trusted. */
export interface BrokerMessage {
  readonly topic: string;
  /** A copy of its own. */
  readonly payload: Uint8Array;
  /** The broker says that it sent this before. */
  readonly isRedelivered: boolean;
  /** It was published to be kept by the broker for whoever subscribes later. */
  readonly isRetained: boolean;
  /** The connection has gone: an acknowledgement cannot be sent any more, and the broker sends the message again. */
  isLost(): boolean;
  /** Sends PUBACK, unless the connection has gone. */
  acknowledge(): void;
}

export interface OutboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

export interface ConnectionListener {
  /** Subscribed. `isResumed`: the broker still had the session. `window`: messages it takes unacknowledged. */
  onReady(isResumed: boolean, window: number): void;
  onMessage(message: BrokerMessage): void;
  /** Once, whatever ended the connection. */
  onLost(reason: string): void;
}

const KEEPALIVE_S = 60;
const CONNECT_TIMEOUT_MS = 15_000;
/** How long an orderly end may take before the socket is destroyed. */
const END_WITHIN_MS = 2_000;
/** What messages in flight on one connection may hold in memory, whatever the broker was told. */
const IN_FLIGHT_BYTES_MAX = 64 * 1024 * 1024;
/** Answers to devices are dropped rather than heaped up before a broker that does not read. */
const UNSENT_BYTES_MAX = 1024 * 1024;
/** MQTT 5 section 3.2.2.3.3: what a broker means that names no Receive Maximum. */
const DEFAULT_WINDOW = 65_535;
const REFUSED = 0x80;
const SESSION_TAKEN_OVER = 0x8e;
/** Makes the package go on without a PUBACK of its own. It reaches nobody. */
const WITHHELD = new Error('acknowledged later');

export class BrokerConnection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #client: MqttClient;
  readonly #closed = Promise.withResolvers<void>();
  #reason = 'the broker closed the connection';
  #isReady = false;
  #isLost = false;
  #isStopped = false;
  #isEnding = false;
  #inFlight = 0;
  #bytesInFlight = 0;
  /** Reads on; held while too much is in flight. */
  #goOn: (() => void) | undefined;
  /** Whether a message came since the last look. */
  #isHeard = false;
  readonly #pulse: NodeJS.Timeout;
  /** Packet ids to be acknowledged in the next write. */
  #acknowledged: number[] = [];

  /** Connects at once. Throws when the credentials cannot be used at all. */
  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#client = connect(options.url, clientOptions(options));
    // A resumed session sends before the subscription is renewed, so this stands before anything can arrive.
    this.#client.handleMessage = (packet, done) => this.#receive(packet, () => done(WITHHELD));
    this.#client.on('connect', ({ sessionPresent, properties }) =>
      this.#subscribe(sessionPresent, properties?.receiveMaximum ?? DEFAULT_WINDOW),
    );
    this.#client.on('disconnect', ({ reasonCode = 0 }) => {
      this.#reason = reasonWords(reasonCode);
    });
    this.#client.on('error', (error) => {
      this.#reason = error.message || 'the broker cannot be reached';
      this.#client.stream.destroy(); // parse errors leave it open
    });
    this.#client.on('close', () => this.#lose());
    this.#pulse = setInterval(() => this.#keepUp(), ((options.keepaliveSeconds ?? KEEPALIVE_S) * 1000) / 4);
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isLost;
  }

  /** Messages handed over and not acknowledged. */
  get inFlight(): number {
    return this.#isLost ? 0 : this.#inFlight;
  }

  /** Publishes with QoS 1; true once the broker has taken it, false when it refuses. Never settles when the connection goes. */
  publish({ topic, payload, retain }: OutboundMessage): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#isEnding) return;
      this.#client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) => {
        if (!this.#isLost) resolve(!error);
      });
    });
  }

  /** Publishes with QoS 0. False when it was dropped: the broker does not read what was sent before. */
  tell(topic: string, payload: Uint8Array): boolean {
    if (!this.isReady || this.#isEnding || this.#client.stream.writableLength > UNSENT_BYTES_MAX)
      return false;
    this.#client.publish(topic, Buffer.from(payload), { qos: 0 }); // with a callback it would listen for `drain`, each by itself
    return true;
  }

  /** Hands over nothing more. What was handed over can still be acknowledged. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Sends what is to be acknowledged and disconnects; the session stays at the broker unless it is to be forgotten. */
  async end(session: 'stays' | 'forgotten' = 'stays'): Promise<void> {
    this.stop();
    this.#isEnding = true;
    this.#reason = 'ended by the gateway';
    if (!this.#client.connected) {
      this.#client.end(true);
      this.#client.stream.destroy();
      return this.#closed.promise;
    }
    const cutOff = setTimeout(() => this.#client.stream.destroy(), END_WITHIN_MS);
    this.#client.end(false, session === 'stays' ? {} : { properties: { sessionExpiryInterval: 0 } });
    await this.#closed.promise;
    clearTimeout(cutOff);
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    clearInterval(this.#pulse);
    this.#goOn = undefined;
    this.#closed.resolve();
    this.#listener.onLost(this.#reason);
  }

  #subscribe(isResumed: boolean, window: number): void {
    const { filter, subscription } = this.#options;
    const settle = (refusal?: string) => {
      if (this.#isLost || (this.#isReady && refusal === undefined)) return;
      if (refusal !== undefined) {
        this.#reason = refusal;
        this.#client.stream.destroy();
        return;
      }
      this.#isReady = true;
      this.#listener.onReady(isResumed, window);
    };
    // What a resumed session holds comes before the answer to anything that is asked now, and may take long to be taken.
    if (isResumed) settle();
    if (subscription === 'leave') {
      this.#client.unsubscribe(filter, () => settle());
      return;
    }
    // Every time: a broker that came back from an old copy of its state may know the session and not the subscription.
    // rh 2: nothing retained, which mosquitto hands to members of a group against section 4.8.2. rap: to see what is retained.
    this.#client.subscribe(filter, { qos: 1, rh: 2, rap: true }, (error, granted) => {
      const isRefused = error != null || (granted?.[0]?.qos ?? REFUSED) >= REFUSED;
      settle(isRefused ? `the broker refuses the subscription ${filter}: ${error?.message}` : undefined);
    });
  }

  #receive(packet: IPublishPacket, goOn: () => void): void {
    if (this.#isStopped || this.#isLost) return; // never called back: nothing more is read
    const { messageId, qos } = packet;
    const payload = Uint8Array.from(
      typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload,
    );
    this.#isHeard = true;
    this.#inFlight += 1;
    this.#bytesInFlight += payload.length;
    let isOpen = true;
    const message: BrokerMessage = {
      topic: packet.topic,
      payload,
      isRedelivered: packet.dup,
      isRetained: packet.retain,
      isLost: () => this.#isLost,
      acknowledge: () => {
        if (!isOpen || this.#isLost) return;
        isOpen = false;
        this.#inFlight -= 1;
        this.#bytesInFlight -= payload.length;
        if (qos > 0 && messageId !== undefined) this.#acknowledge(messageId);
        this.#readOn();
      },
    };
    this.#goOn = goOn;
    this.#listener.onMessage(message);
    this.#readOn();
  }

  /** mosquitto 2.0.11 sends all that a resumed session holds once the first of it are acknowledged: the bound is ours to keep. */
  #readOn(): void {
    const hasRoom =
      this.#inFlight < this.#options.receiveMaximum && this.#bytesInFlight < IN_FLIGHT_BYTES_MAX;
    const goOn = this.#goOn;
    if (goOn === undefined || !hasRoom) return;
    this.#goOn = undefined;
    goOn();
  }

  /**
   * The answer to a ping comes behind every message that the broker has sent before, and is not read at all while too much is in
   * flight: the package would take a busy broker for a dead one. A message is as good as that answer.
   */
  #keepUp(): void {
    const isAlive = this.#isHeard || this.#goOn !== undefined;
    this.#isHeard = false;
    if (!isAlive || !this.#client.connected) return;
    this.#client.sendPing();
    this.#client.reschedulePing(true);
  }

  #acknowledge(messageId: number): void {
    this.#acknowledged.push(messageId);
    if (this.#acknowledged.length > 1) return;
    // One commit settles many statements; their continuations run before this does.
    queueMicrotask(() => this.#sendAcknowledgements());
  }

  #sendAcknowledgements(): void {
    const ids = this.#acknowledged;
    if (ids.length === 0) return;
    this.#acknowledged = [];
    if (this.#isLost || this.#client.stream.destroyed) return;
    const bytes = Buffer.allocUnsafe(4 * ids.length);
    for (const [at, id] of ids.entries()) bytes.writeUInt32BE(0x40020000 + id, 4 * at);
    this.#client.stream.write(bytes);
  }
}

function clientOptions(options: ConnectionOptions): IClientOptions {
  return {
    ...options.credentials,
    clientId: options.clientId,
    protocolVersion: 5,
    clean: false,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0, // a new connection is a new object: no state of a broken one reaches it
    resubscribe: false,
    queueQoSZero: false,
    properties: {
      sessionExpiryInterval: options.sessionExpirySeconds,
      receiveMaximum: options.receiveMaximum,
      maximumPacketSize: options.maxPacketBytes,
    },
  };
}

function reasonWords(code: number): string {
  if (code === SESSION_TAKEN_OVER) return 'another client took the session over';
  return `the broker ended the connection with reason code 0x${code.toString(16).padStart(2, '0')}`;
}
