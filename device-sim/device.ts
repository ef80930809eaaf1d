/**
 * A simulated wearable: it signs readings, keeps them until they are acknowledged, and never says two things under one
 * number, whatever becomes of its power or its connection.
 *
 * The order is always: sign, store durably, send, record the acknowledgement. A restart goes on from what is stored.
 */
import { randomBytes } from 'node:crypto';
import { equalBytes } from '../src/bytes.ts';
import { signConnectToken } from '../src/connect-token.ts';
import type { PublicKey } from '../src/cose/key.ts';
import { SENML_CONTENT_FORMAT } from '../src/payload.ts';
import { type Beacon, hashEntry, signStatement } from '../src/statement.ts';
import {
  acksTopic,
  BEACON_TOPIC,
  type Link,
  type LinkOptions,
  type LinkSecurity,
  type OpenLink,
  requestsTopic,
  statementsTopic,
  type TokenOptions,
} from './link.ts';
import { type Answer, decodeAnswer, decodeBeacon, decodeResend, type ResendRange } from './messages.ts';
import { openMqttLink } from './mqtt-link.ts';
import { numberKey, type StatementNumber } from './state/acknowledgements.ts';
import { type DeviceIdentity, DeviceStore } from './state/device-store.ts';
import { Unanswered } from './unanswered.ts';

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

/** What happens to a device, as it happens. */
export type DeviceEvent =
  | { readonly kind: 'connected' | 'disconnected' }
  /** There is no connection, and why, in words for people. */
  | { readonly kind: 'trouble'; readonly reason: string }
  | ({ readonly kind: 'recorded' | 'sent' | 'acknowledged' } & StatementNumber)
  | ({ readonly kind: 'answer' } & Answer)
  | { readonly kind: 'resend-requested'; readonly ranges: readonly ResendRange[] }
  | { readonly kind: 'beacon'; readonly beacon: Beacon };

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
/** How long a token of a device with a clock is valid. */
const TOKEN_SECONDS = 300;
/** Publications under way at once. More only moves the queue into the socket. */
const MAX_IN_FLIGHT = 32;

/** A device with its state open. Close it before another process opens the same folder. */
export class Device {
  readonly #store: DeviceStore;
  readonly #onEvent: (event: DeviceEvent) => void;
  readonly #openLink: OpenLink;
  #link: Link | undefined;
  #isConnected = false;
  #beacon: Beacon | undefined;
  /** To be sent, oldest first: the outbox, then what was asked for again. */
  readonly #queue: StatementNumber[];
  readonly #queued: Set<string>;
  #inFlight = 0;
  /** With the broker, without the gateway's word; undefined where the broker's is enough. */
  readonly #unanswered: Unanswered | undefined;
  /** The last signature or write; each waits for the one before, so that numbers and hashes chain. */
  #tail: Promise<unknown> = Promise.resolve();
  readonly #tasks = new Set<Promise<void>>();
  #isPumping = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  private constructor(store: DeviceStore, options: DeviceOptions) {
    this.#store = store;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#openLink = options.openLink ?? openMqttLink;
    this.#queue = [...store.outbox()];
    this.#queued = new Set(this.#queue.map(numberKey));
    if (options.keepUntil === 'gateway') {
      this.#unanswered = new Unanswered(options.answerWithinMs ?? ANSWER_WITHIN_MS, (number) => {
        this.#enqueue(number);
        this.#pump();
      });
    }
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
    return this.#queue.length + this.#inFlight + (this.#unanswered?.size ?? 0);
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
          this.#pump();
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

  /** Makes the passwords of this device's connections: tokens signed with its key. */
  passwords({ audience, freshness }: TokenOptions): NonNullable<LinkOptions['password']> {
    const { signer } = this.#store;
    return async (challenge) => {
      const now = Math.floor(Date.now() / 1000);
      return signConnectToken(
        {
          device: this.urn,
          audience,
          cti: Uint8Array.from(randomBytes(16)),
          freshness:
            freshness === 'challenge'
              ? { kind: 'challenge', challenge: await challenge() }
              : { kind: 'clock', issuedAt: now, expiresAt: now + TOKEN_SECONDS },
        },
        signer,
      );
    };
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
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.pending === 0) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Goes offline and closes the state. */
  async close(): Promise<void> {
    await this.disconnect();
    await this.#tail;
    await Promise.all(this.#tasks);
    this.#unanswered?.close();
    this.#fail(new Error('the device is closed'));
    await this.#store.close();
  }

  async #record(reading: Reading): Promise<StatementNumber> {
    if (this.#failure) throw this.#failure;
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
    this.#enqueue(number);
    this.#pump();
    return number;
  }

  #enqueue(number: StatementNumber): void {
    if (this.#queued.has(numberKey(number))) return;
    this.#queued.add(numberKey(number));
    this.#queue.push(number);
  }

  #pump(): void {
    if (this.#isPumping || !this.#canSend()) return;
    this.#isPumping = true;
    this.#run(async () => {
      try {
        await this.#sendQueued();
      } finally {
        this.#isPumping = false;
      }
      // What was queued after the last look into the queue found the pump still running.
      this.#pump();
    });
  }

  #canSend(): boolean {
    const isOpen = this.#link !== undefined && this.#isConnected && this.#failure === undefined;
    return isOpen && this.#inFlight < MAX_IN_FLIGHT && this.#queue.length > 0;
  }

  /** Starts work that `close` waits for, and whose failure is a failure of the state. */
  #run(work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Hands statements to the link one after another, so that they leave in order; acknowledgements come as they come. */
  async #sendQueued(): Promise<void> {
    while (this.#canSend()) {
      const link = this.#link;
      const number = this.#queue[0];
      if (link === undefined || number === undefined) return;
      const bytes = await this.#store.read(number);
      if (bytes === undefined) throw new Error(`statement ${numberKey(number)} is not in the archive`);
      if (link !== this.#link || number !== this.#queue[0]) continue;
      this.#queue.shift();
      this.#inFlight += 1;
      this.#run(() => this.#publish(link, number, bytes).finally(() => this.#settle()));
    }
  }

  async #publish(link: Link, number: StatementNumber, bytes: Uint8Array): Promise<void> {
    this.#onEvent({ kind: 'sent', ...number });
    try {
      await link.publish(statementsTopic(this.urn), bytes);
    } catch {
      // The link was closed under it. It goes back where it came from: oldest first.
      this.#queue.push(number);
      this.#queue.sort((a, b) => a.boot - b.boot || a.seq - b.seq);
      return;
    }
    this.#queued.delete(numberKey(number));
    // The gateway's answer can be here before the broker's.
    if (this.#unanswered === undefined) await this.#acknowledge(number);
    else if (!this.#store.isAcknowledged(number)) this.#unanswered.add(number);
  }

  async #acknowledge(number: StatementNumber): Promise<void> {
    await this.#store.acknowledge(number);
    this.#onEvent({ kind: 'acknowledged', ...number });
  }

  /** The gateway has it, or has judged these very bytes: a refusal can be meant for someone else's under the same number. */
  async #answered(answer: Answer): Promise<void> {
    const { boot, seq, verdict, entry } = answer;
    if (boot === undefined || seq === undefined || this.#store.isAcknowledged({ boot, seq })) return;
    const statement = await this.#store.read({ boot, seq });
    if (statement === undefined) return;
    if (verdict === 'reject' && !(entry && equalBytes(entry, hashEntry(statement).subarray(0, entry.length))))
      return;
    this.#unanswered?.delete({ boot, seq });
    await this.#acknowledge({ boot, seq });
    if (this.pending === 0) this.#wake();
  }

  #settle(): void {
    this.#inFlight -= 1;
    this.#pump();
    if (this.pending === 0) this.#wake();
  }

  /** The state can no longer be read or written: whoever records or waits is told. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #hear(topic: string, payload: Uint8Array): void {
    if (topic === acksTopic(this.urn)) {
      const answer = decodeAnswer(payload);
      if (answer) this.#onEvent({ kind: 'answer', ...answer });
      if (answer && this.#unanswered) this.#run(() => this.#answered(answer));
    } else if (topic === requestsTopic(this.urn)) {
      this.#resend(decodeResend(payload));
    } else if (topic === BEACON_TOPIC) {
      const beacon = decodeBeacon(payload);
      if (beacon === undefined) return;
      this.#beacon = beacon;
      this.#onEvent({ kind: 'beacon', beacon });
    }
  }

  /** Queues what the archive still has; a request can name any numbers, the archive bounds the work. */
  #resend(ranges: readonly ResendRange[]): void {
    if (ranges.length === 0) return;
    this.#onEvent({ kind: 'resend-requested', ranges });
    for (const { boot = this.boot, from, to } of ranges) {
      const end = Math.min(to + 1, this.#store.archived(boot));
      for (let seq = from; seq < end; seq++) this.#enqueue({ boot, seq });
    }
    this.#pump();
  }
}
