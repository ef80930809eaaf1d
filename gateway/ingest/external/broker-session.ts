/** One session with an existing broker: a connection, and after it broke the next one, for as long as the gateway runs. */

import { BackOff } from '../../back-off.ts';
import type { Logger } from '../../ports.ts';
import {
  BrokerConnection,
  type BrokerMessage,
  type ConnectionOptions,
  type Credentials,
} from './broker-connection.ts';

export interface SessionOptions extends Omit<ConnectionOptions, 'credentials'> {
  /** For log lines. */
  readonly name: string;
  /** Read for each connection, so that renewed certificates and passwords need no restart. */
  readonly credentials: () => Credentials;
  readonly logger: Logger;
}

export interface SessionListener {
  onReady(connection: BrokerConnection, isResumed: boolean, window: number): void;
  onMessage(message: BrokerMessage): void;
}

/** What people see of a session. */
export interface SessionView {
  readonly clientId: string;
  readonly connected: boolean;
  readonly inFlight: number;
  readonly reconnects: number;
  /** Why there was no connection last time, also after there is one again. */
  readonly lastError: string | null;
}

const FIRST_PAUSE_MS = 200;
/** No basis yet but that a clinic notices half a minute and a broker does not mind an attempt in it. */
const LONGEST_PAUSE_MS = 30_000;
/** A connection that lasted so long was a good one. Two gateways that take a session from each other never get there. */
const LASTING_MS = 5_000;

export class BrokerSession {
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #backOff = new BackOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  #connection: BrokerConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readyAt: number | undefined;
  #wasReady = false;
  #reconnects = 0;
  #lastError: string | null = null;
  #isClosing = false;

  constructor(options: SessionOptions, listener: SessionListener) {
    this.#options = options;
    this.#listener = listener;
  }

  start(): void {
    if (this.#isClosing) return;
    const { credentials, ...options } = this.#options;
    try {
      const connection: BrokerConnection = new BrokerConnection(
        { ...options, credentials: credentials() },
        {
          onReady: (isResumed, window) => this.#ready(connection, isResumed, window),
          onMessage: this.#listener.onMessage,
          onLost: (reason) => this.#lost(reason),
        },
      );
      this.#connection = connection;
    } catch (error) {
      this.#lost(error instanceof Error ? error.message : String(error));
    }
  }

  /** The connection, when it is up and subscribed. */
  get connection(): BrokerConnection | undefined {
    return this.#connection?.isReady === true ? this.#connection : undefined;
  }

  view(): SessionView {
    return {
      clientId: this.#options.clientId,
      connected: this.connection !== undefined,
      inFlight: this.#connection?.inFlight ?? 0,
      reconnects: this.#reconnects,
      lastError: this.#lastError,
    };
  }

  /** Hands over nothing more, and makes no new connection. */
  stop(): void {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#connection?.stop();
  }

  /** Disconnects. The session stays at the broker and gathers what comes. */
  async close(): Promise<void> {
    this.stop();
    await this.#connection?.end();
  }

  #ready(connection: BrokerConnection, isResumed: boolean, window: number): void {
    const { name, clientId, logger } = this.#options;
    this.#readyAt = performance.now();
    if (this.#wasReady && !isResumed) {
      logger.warn(
        { broker: name, session: clientId },
        'the broker has forgotten the session and what it held for the gateway; devices send again what has no answer',
      );
    } else logger.info({ broker: name, session: clientId, isResumed }, 'connected to the broker');
    if (this.#wasReady) this.#reconnects += 1;
    this.#wasReady = true;
    this.#listener.onReady(connection, isResumed, window);
  }

  #lost(reason: string): void {
    this.#connection = undefined;
    const lastedMs = this.#readyAt === undefined ? undefined : performance.now() - this.#readyAt;
    this.#readyAt = undefined;
    if (this.#isClosing) return;
    const isGood = lastedMs !== undefined && lastedMs >= LASTING_MS;
    if (isGood) this.#backOff.reset();
    const pauseMs = this.#backOff.next();
    const { name, clientId, logger } = this.#options;
    // mosquitto 2.0 does not say when another client takes a session over (MQTT 5 section 3.1.4 would have it say so).
    const hint = lastedMs === undefined || isGood ? '' : `; does another client have the id ${clientId}?`;
    // Once for each cause: a broker that is away for a night fills no log.
    if (isGood || reason + hint !== this.#lastError)
      logger.warn(
        { broker: name, session: clientId, reason: reason + hint, pauseMs },
        'no connection to the broker',
      );
    this.#lastError = reason + hint;
    this.#timer = setTimeout(() => this.start(), pauseMs);
  }
}
