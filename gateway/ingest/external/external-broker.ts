/**
 * Statements out of an existing MQTT 5 broker, through a shared subscription of persistent sessions, and the answers to devices back
 * through it. The broker hears PUBACK only when a statement is durable here.
 *
 * The broker, not the gateway, knows who published. What a topic names is therefore a claim, and the signature decides.
 */
import { encodeCbor } from '../../../src/cbor.ts';
import type { Beacon } from '../../../src/statement.ts';
import type { Clock, DeviceOutlet, Intake, Logger, SequenceRange, Verdict } from '../../ports.ts';
import { encodeAck, encodeRequest } from '../answers.ts';
import { acksTopic, BEACON_TOPIC, requestsTopic } from '../topics.ts';
import type { BrokerMessage, ConnectionOptions, Credentials } from './broker-connection.ts';
import { BrokerSession, type SessionView } from './broker-session.ts';
import { DeviceOrder } from './device-order.ts';
import { endLeftovers } from './leftover-sessions.ts';
import { Outbox } from './outbox.ts';
import { StatementTaker, type TakerCounts } from './statement-taker.ts';

export interface ExternalBrokerOptions {
  /** For logs, metrics and status. */
  readonly name: string;
  /** mqtt://host:port or mqtts://host:port, without credentials. */
  readonly url: string;
  /** Share name; one gateway alone uses it. */
  readonly group: string;
  readonly connections: number;
  /** The most a configuration may ask for: sessions up to it may have been left at the broker. */
  readonly connectionsMax: number;
  /** Statements in flight on each connection. */
  readonly receiveMaximum: number;
  readonly maxPacketBytes: number;
  readonly sessionExpirySeconds: number;
  /** Whether devices are told what became of each statement. */
  readonly answers: boolean;
  /** Default a minute. */
  readonly keepaliveSeconds?: number;
  readonly credentials: () => Credentials;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What people see of a broker. */
export interface BrokerView extends Readonly<TakerCounts> {
  readonly name: string;
  readonly url: string;
  readonly connected: number;
  readonly inFlight: number;
  readonly reconnects: number;
  /** Answers that were not sent because the broker did not read. */
  readonly answersDropped: number;
  readonly sessions: readonly SessionView[];
}

export class ExternalBroker implements DeviceOutlet {
  readonly #options: ExternalBrokerOptions;
  readonly #sessions: readonly BrokerSession[];
  readonly #taker: StatementTaker;
  readonly #outbox: Outbox;
  readonly #stopped = new AbortController();
  #leftovers: Promise<void> = Promise.resolve();
  #answersDropped = 0;
  #mayHaveLeftovers = true;

  constructor(options: ExternalBrokerOptions) {
    this.#options = options;
    const { name, intake, clock, logger } = options;
    this.#outbox = new Outbox((topic) =>
      logger.warn({ broker: name, topic }, 'the broker does not let the gateway publish here'),
    );
    this.#taker = new StatementTaker({
      ...{ name, intake, clock, logger },
      order: options.connections > 1 ? new DeviceOrder() : undefined,
      onVerdict: (device, verdict, message) => this.#answer(device, verdict, message),
    });
    this.#sessions = Array.from({ length: options.connections }, (_, at) => this.#session(at));
  }

  /** Begins to connect. A broker that is away holds nothing up: it is tried again and again. */
  start(): void {
    for (const session of this.#sessions) session.start();
  }

  publishBeacon(beacon: Beacon, timeSeconds: number): void {
    const payload = encodeCbor([beacon.blockNumber, beacon.blockHash, timeSeconds]);
    this.#outbox.send({ topic: BEACON_TOPIC, payload, retain: true });
  }

  requestResend(device: string, ranges: readonly SequenceRange[]): void {
    this.#outbox.send({ topic: requestsTopic(device), payload: encodeRequest(ranges), retain: false });
  }

  view(): BrokerView {
    const sessions = this.#sessions.map((session) => session.view());
    return {
      name: this.#options.name,
      url: this.#options.url,
      connected: sessions.filter(({ connected }) => connected).length,
      inFlight: sessions.reduce((sum, { inFlight }) => sum + inFlight, 0),
      reconnects: sessions.reduce((sum, { reconnects }) => sum + reconnects, 0),
      ...this.#taker.counts,
      answersDropped: this.#answersDropped,
      sessions,
    };
  }

  /** Takes nothing more, finishes and acknowledges what was taken, and disconnects. The sessions gather on at the broker. */
  async close(): Promise<void> {
    this.#stopped.abort();
    for (const session of this.#sessions) session.stop();
    await this.#taker.close();
    await this.#leftovers;
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  #session(at: number): BrokerSession {
    const { name, credentials, logger } = this.#options;
    return new BrokerSession(
      { ...this.#connectionOptions(at), name, credentials, logger },
      {
        onReady: (connection, _isResumed, window) => {
          if (at === 0) this.#outbox.use(connection, window);
          this.#lookForLeftovers();
        },
        onMessage: (message) => this.#taker.take(message),
      },
    );
  }

  #connectionOptions(at: number): Omit<ConnectionOptions, 'credentials'> {
    const { url, group, connections, receiveMaximum, maxPacketBytes } = this.#options;
    const { sessionExpirySeconds, keepaliveSeconds } = this.#options;
    return {
      ...{ url, receiveMaximum, maxPacketBytes, sessionExpirySeconds },
      ...(keepaliveSeconds === undefined ? {} : { keepaliveSeconds }),
      clientId: `vitalseal-${group}-${at + 1}`,
      filter: `$share/${group}/wearables/+/statements`,
      subscription: at < connections ? 'keep' : 'leave',
    };
  }

  /** Once, when the broker is there: a session that an earlier configuration left goes on being dealt messages. */
  #lookForLeftovers(): void {
    if (!this.#mayHaveLeftovers) return;
    this.#mayHaveLeftovers = false;
    const { name, connections, connectionsMax, credentials, logger } = this.#options;
    const leftovers = Array.from({ length: connectionsMax - connections }, (_, more) => () => ({
      ...this.#connectionOptions(connections + more),
      credentials: credentials(),
    }));
    this.#leftovers = endLeftovers(
      leftovers,
      (message) => this.#taker.take(message),
      (session) => logger.info({ broker: name, session }, 'emptied and ended a session no longer configured'),
      this.#stopped.signal,
    );
  }

  #answer(device: string, verdict: Verdict, message: BrokerMessage): void {
    if (message.isRetained) {
      // A reading must not stay in the broker's memory for whoever subscribes later.
      this.#outbox.send({ topic: message.topic, payload: new Uint8Array(), retain: true });
    }
    if (!this.#options.answers) return;
    const connection = this.#sessions.find((session) => session.connection !== undefined)?.connection;
    const isSent = connection?.tell(acksTopic(device), encodeAck(verdict, message.payload)) ?? false;
    if (!isSent) this.#answersDropped += 1;
  }
}
