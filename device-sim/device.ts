/**
 * A simulated wearable: it signs readings, keeps them until they are acknowledged, and never says two things under one
 * number, whatever becomes of its power or its connection.
 *
 * The order is always: sign, store durably, send, record the acknowledgement. A restart goes on from what is stored.
 */
import type { PublicKey } from '../src/cose/key.ts';
import { SENML_CONTENT_FORMAT } from '../src/payload.ts';
import { type Beacon, hashEntry, signStatement } from '../src/statement.ts';
import { connectPasswords } from './connect-password.ts';
import type { DeviceEvent } from './device-event.ts';
import {
  acksTopic,
  BEACON_TOPIC,
  type Link,
  type LinkOptions,
  type LinkSecurity,
  type OpenLink,
  requestsTopic,
  type TokenOptions,
} from './link.ts';
import { decodeAnswer, decodeBeacon, decodeResend, type ResendRange } from './messages.ts';
import { openMqttLink } from './mqtt-link.ts';
import { Sender } from './sender.ts';
import type { StatementNumber } from './state/acknowledgements.ts';
import { type DeviceIdentity, DeviceStore } from './state/device-store.ts';

/** What a device is asked to state. */
export interface Reading {
  /** The stream: "vitals", "ecg". */
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Default 112, a SenML pack. */
  readonly contentType?: number | string;
  /** The device's clock in seconds; absent when it has none. */
  readonly issuedAt?: number;
}

export interface DeviceOptions {
  /** The device's state; made when it does not exist. */
  readonly folder: string;
  /** Who a new device is. Not called for a folder that has an identity. */
  readonly fresh: () => DeviceIdentity;
  readonly onEvent?: (event: DeviceEvent) => void;
  readonly openLink?: OpenLink;
  /**
   * Whose word lets the device forget a statement: the broker's PUBACK, which says enough where the gateway is the broker, or
   * the gateway's own answer on the acks topic, where another broker stands between. Default 'broker'.
   */
  readonly keepUntil?: 'broker' | 'gateway';
  /** With `keepUntil` 'gateway': a statement is sent again after so long without an answer, then after twice as long ... Default 30 s. */
  readonly answerWithinMs?: number;
}

const ANSWER_WITHIN_MS = 30_000;

/** A device with its state open. Close it before another process opens the same folder. */
export class Device {
  readonly #store: DeviceStore;
  readonly #onEvent: (event: DeviceEvent) => void;
  readonly #openLink: OpenLink;
  #link: Link | undefined;
  #isConnected = false;
  #beacon: Beacon | undefined;
  readonly #sender: Sender;
  /** The last signature or write; each waits for the one before, so that numbers and hashes chain. */
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(store: DeviceStore, options: DeviceOptions) {
    this.#store = store;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#openLink = options.openLink ?? openMqttLink;
    this.#sender = new Sender(store, {
      onEvent: this.#onEvent,
      link: () => (this.#isConnected ? this.#link : undefined),
      answerWithinMs:
        options.keepUntil === 'gateway' ? (options.answerWithinMs ?? ANSWER_WITHIN_MS) : undefined,
    });
  }

  /** Opens a device, new or as it was left. */
  static async open(options: DeviceOptions): Promise<Device> {
    return new Device(await DeviceStore.open(options.folder, options.fresh), options);
  }

  get urn(): string {
    return this.#store.identity.urn;
  }

  get publicKey(): PublicKey {
    return this.#store.signer.publicKey;
  }

  get boot(): number {
    return this.#store.boot;
  }

  /** The number of the next statement. */
  get nextSeq(): number {
    return this.#store.nextSeq;
  }

  /** How many statements are stored and not acknowledged. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** What the misbehaviours need of an honest device; nothing else should. */
  get store(): DeviceStore {
    return this.#store;
  }

  /** Signs a reading under the next number and stores it; sends it when there is a connection. */
  record(reading: Reading): Promise<StatementNumber> {
    const recorded = this.#tail.then(() => this.#record(reading));
    this.#tail = recorded.catch(() => undefined);
    return recorded;
  }

  /** Goes online and stays so across broken connections. */
  connect({ token, ...options }: Omit<LinkOptions, 'urn' | 'password'> & LinkSecurity): void {
    if (this.#link !== undefined) throw new Error('the device is connected already');
    this.#link = this.#openLink(
      { ...options, urn: this.urn, ...(token !== undefined && { password: this.passwords(token) }) },
      {
        onConnect: () => {
          this.#isConnected = true;
          this.#onEvent({ kind: 'connected' });
          this.#sender.pump();
        },
        onDisconnect: () => {
          if (this.#isConnected) this.#onEvent({ kind: 'disconnected' });
          this.#isConnected = false;
        },
        onTrouble: (reason) => this.#onEvent({ kind: 'trouble', reason }),
        onMessage: (topic, payload) => this.#hear(topic, payload),
      },
    );
  }

  /** Makes the passwords of this device's connections. */
  passwords(token: TokenOptions): NonNullable<LinkOptions['password']> {
    return connectPasswords(this.#store, token);
  }

  /** Goes offline; what was not acknowledged stays in the outbox. */
  async disconnect(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
    this.#isConnected = false;
  }

  /** Resolves once nothing waits to be acknowledged. Rejects when the state fails, or the device is closed first. */
  async drained(): Promise<void> {
    await this.#tail;
    await this.#sender.drained();
  }

  /** Goes offline and closes the state. */
  async close(): Promise<void> {
    await this.disconnect();
    await this.#tail;
    await this.#sender.close();
    await this.#store.close();
  }

  async #record(reading: Reading): Promise<StatementNumber> {
    this.#sender.throwIfFailed();
    const number = { boot: this.#store.boot, seq: this.#store.nextSeq };
    const previous = await this.#store.read({ ...number, seq: number.seq - 1 });
    const statement = await signStatement(
      {
        ...number,
        issuer: this.urn,
        subject: reading.subject,
        contentType: reading.contentType ?? SENML_CONTENT_FORMAT,
        payload: reading.payload,
        ...(reading.issuedAt !== undefined && { issuedAt: reading.issuedAt }),
        ...(previous && { prev: hashEntry(previous) }),
        ...(this.#beacon && { beacon: this.#beacon }),
      },
      this.#store.signer,
    );
    await this.#store.append(statement);
    this.#onEvent({ kind: 'recorded', ...number });
    this.#sender.add(number);
    return number;
  }

  #hear(topic: string, payload: Uint8Array): void {
    if (topic === acksTopic(this.urn)) {
      const answer = decodeAnswer(payload);
      if (answer === undefined) return;
      this.#onEvent({ kind: 'answer', ...answer });
      this.#sender.answered(answer);
    } else if (topic === requestsTopic(this.urn)) {
      this.#resend(decodeResend(payload));
    } else if (topic === BEACON_TOPIC) {
      const beacon = decodeBeacon(payload);
      if (beacon === undefined) return;
      this.#beacon = beacon;
      this.#onEvent({ kind: 'beacon', beacon });
    }
  }

  #resend(ranges: readonly ResendRange[]): void {
    if (ranges.length === 0) return;
    this.#onEvent({ kind: 'resend-requested', ranges });
    this.#sender.resend(ranges);
  }
}
