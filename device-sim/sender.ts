/**
 * Sends what a device has stored, oldest first, until it is acknowledged. What becomes of it is recorded in the device's state,
 * so a sender of the next process goes on from there.
 */
import { equalBytes } from '../src/bytes.ts';
import { hashEntry } from '../src/statement.ts';
import type { DeviceEvent } from './device-event.ts';
import { type Link, statementsTopic } from './link.ts';
import type { Answer, ResendRange } from './messages.ts';
import { numberKey, type StatementNumber } from './state/acknowledgements.ts';
import type { DeviceStore } from './state/device-store.ts';
import { Unanswered } from './unanswered.ts';

export interface SenderOptions {
  readonly onEvent: (event: DeviceEvent) => void;
  /** The link while it is connected. */
  readonly link: () => Link | undefined;
  /**
   * Where the gateway's own answer is waited for: a statement is sent again after so long without one. undefined where the
   * broker's PUBACK says enough.
   */
  readonly answerWithinMs: number | undefined;
}

/** Publications under way at once. More only moves the queue into the socket. */
const MAX_IN_FLIGHT = 32;

export class Sender {
  readonly #store: DeviceStore;
  readonly #options: SenderOptions;
  /** To be sent, oldest first: the outbox, then what was asked for again. */
  readonly #queue: StatementNumber[];
  readonly #queued: Set<string>;
  #inFlight = 0;
  /** With the broker, without the gateway's word; undefined where the broker's is enough. */
  readonly #unanswered: Unanswered | undefined;
  readonly #tasks = new Set<Promise<void>>();
  #isPumping = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(store: DeviceStore, options: SenderOptions) {
    this.#store = store;
    this.#options = options;
    this.#queue = [...store.outbox()];
    this.#queued = new Set(this.#queue.map(numberKey));
    if (options.answerWithinMs !== undefined)
      this.#unanswered = new Unanswered(options.answerWithinMs, (number) => this.add(number));
  }

  /** How many statements are stored and not acknowledged. */
  get pending(): number {
    return this.#queue.length + this.#inFlight + (this.#unanswered?.size ?? 0);
  }

  /** Queues a statement that is stored. */
  add(number: StatementNumber): void {
    this.#enqueue(number);
    this.pump();
  }

  /** Queues what the archive still has; a request can name any numbers, the archive bounds the work. */
  resend(ranges: readonly ResendRange[]): void {
    for (const { boot = this.#store.boot, from, to } of ranges) {
      const end = Math.min(to + 1, this.#store.archived(boot));
      for (let seq = from; seq < end; seq++) this.#enqueue({ boot, seq });
    }
    this.pump();
  }

  /** Hears the gateway's answer to a statement. */
  answered(answer: Answer): void {
    if (this.#unanswered !== undefined) this.#run(() => this.#answered(answer));
  }

  /** Throws why the state can no longer be read or written, if so. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves once nothing waits to be acknowledged. Rejects when the state fails, or the sender is closed first. */
  async drained(): Promise<void> {
    for (;;) {
      this.throwIfFailed();
      if (this.pending === 0) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ends once what is under way has been recorded. The link must be closed before. */
  async close(): Promise<void> {
    await Promise.all(this.#tasks);
    this.#unanswered?.close();
    this.#fail(new Error('the device is closed'));
  }

  /** Sends as long as there is something to send and a link; called when either may have come about. */
  pump(): void {
    if (this.#isPumping || !this.#canSend()) return;
    this.#isPumping = true;
    this.#run(async () => {
      try {
        await this.#sendQueued();
      } finally {
        this.#isPumping = false;
      }
      // What was queued after the last look into the queue found the pump still running.
      this.pump();
    });
  }

  #enqueue(number: StatementNumber): void {
    if (this.#queued.has(numberKey(number))) return;
    this.#queued.add(numberKey(number));
    this.#queue.push(number);
  }

  #canSend(): boolean {
    const isOpen = this.#options.link() !== undefined && this.#failure === undefined;
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
      const link = this.#options.link();
      const number = this.#queue[0];
      if (link === undefined || number === undefined) return;
      const bytes = await this.#store.read(number);
      if (bytes === undefined) throw new Error(`statement ${numberKey(number)} is not in the archive`);
      if (link !== this.#options.link() || number !== this.#queue[0]) continue;
      this.#queue.shift();
      this.#inFlight += 1;
      this.#run(() => this.#publish(link, number, bytes).finally(() => this.#settle()));
    }
  }

  async #publish(link: Link, number: StatementNumber, bytes: Uint8Array): Promise<void> {
    this.#options.onEvent({ kind: 'sent', ...number });
    try {
      await link.publish(statementsTopic(this.#store.identity.urn), bytes);
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
    this.#options.onEvent({ kind: 'acknowledged', ...number });
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
    this.pump();
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
}
