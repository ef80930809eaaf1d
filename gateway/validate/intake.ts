/**
 * The way of one message: seen already? verified, seen again, recorded. It waits in its device's line, is checked on a thread,
 * and goes to the log in the order it came in; the log looks again under its lock. Every answer is durable when it is given.
 */
import { type BatchRefusal, CheckedBatch, type CheckedData, VerdictBatch } from '../checked-batch.ts';
import { GatewayError } from '../errors.ts';
import type { EnrolledDevice, Inbound, Intake, LogWriter, Registry, Verdict } from '../ports.ts';
import type { Checker } from './check-pool.ts';
import { makeCheckRequest } from './check-request.ts';
import { FairQueue } from './fair-queue.ts';
import { KnownHeads } from './known-heads.ts';
import { outcomeOf, refusedBatch, type Ticket, withdrawStale } from './tickets.ts';

export interface IntakeOptions {
  readonly registry: Registry;
  readonly log: LogWriter;
  readonly checker: Checker;
  /** Longest statement taken, in bytes. */
  readonly maxStatementBytes: number;
  /** Messages that may wait before sources are told that there is no room; twice as many are refused. */
  readonly maxQueue: number;
  /** Called with every verdict, once it is durable. */
  readonly onVerdict: (verdict: Verdict, inbound: Inbound) => void;
}

/** Messages in one request to a checking thread: enough to make its cost small, few enough to share work out. */
const CHECKED_AT_ONCE = 64;
/** Messages that are with the log: several group commits, so that the next is at hand when one ends. */
const WITH_LOG_MAX = 8_192;
/** Asked of the log, refused by the state of its device, checked again: nothing takes longer unless something is wrong. */
const TRIPS_MAX = 4;

/** Takes statements in. One instance serves every source. */
export class StatementIntake implements Intake {
  readonly #options: IntakeOptions;
  readonly #queue = new FairQueue<Ticket>();
  readonly #heads = new KnownHeads();
  #arrivals = 0;
  #checking = 0;
  #underWay = 0;
  #scheduled = false;
  /** Resolves when the batch before has been handed to the log: batches go there in the order of their dispatch. */
  #handedOver: Promise<void> = Promise.resolve();
  #room: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #closed: GatewayError | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Messages that have come and have no verdict yet. */
  get waiting(): number {
    return this.#queue.size + this.#underWay;
  }

  submit(inbound: Inbound): Promise<Verdict> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#queue.size >= 2 * this.#options.maxQueue) {
      const why = `${this.#queue.size} statements wait to be checked; the sender should try again`;
      return Promise.reject(new GatewayError('overloaded', why));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push(inbound.device, {
        arrival: this.#arrivals++,
        inbound,
        resolve,
        reject,
        device: undefined,
        isNotHeld: false,
        trips: 0,
      });
      this.#schedule();
    });
  }

  room(): Promise<void> | undefined {
    if (this.#queue.size < this.#options.maxQueue) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Takes no more, and finishes what it has. */
  async close(): Promise<void> {
    this.#closed ??= new GatewayError('shutting-down', 'the gateway is stopping');
    if (this.waiting === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Once in a turn of the event loop, so that what arrived together is checked together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { checker, maxQueue } = this.#options;
    while (this.#checking < checker.width && this.#underWay < WITH_LOG_MAX && this.#queue.size > 0) {
      // A device of which nothing is known sends one by one: what it sent first decides how the rest is judged.
      const tickets = this.#queue.take(CHECKED_AT_ONCE, (device) => !this.#heads.has(device));
      if (tickets.length === 0) break;
      this.#dispatch(tickets);
    }
    if (this.#room !== undefined && this.#queue.size < maxQueue / 2) {
      this.#room.resolve();
      this.#room = undefined;
    }
  }

  #dispatch(tickets: readonly Ticket[]): void {
    this.#underWay += tickets.length;
    const asked: Ticket[] = [];
    const refused: Ticket[] = [];
    const refusals: BatchRefusal[] = [];
    for (const ticket of tickets) {
      try {
        const refusal = this.#look(ticket);
        if (refusal === undefined) asked.push(ticket);
        else {
          refusals.push({ ...refusal, at: refused.length, device: ticket.inbound.device });
          refused.push(ticket);
        }
      } catch (error) {
        this.#giveUp(ticket, error); // the store could not be read; the device will send it again
      }
    }
    if (refused.length > 0) void this.#record(refused, refusedBatch(refused, refusals));
    if (asked.length > 0) void this.#check(asked);
  }

  /** What needs no look inside. */
  #look(ticket: Ticket): Pick<BatchRefusal, 'code' | 'detail'> | undefined {
    const { registry, maxStatementBytes } = this.#options;
    const { bytes, device } = ticket.inbound;
    ticket.device = registry.find(device);
    if (bytes.length > maxStatementBytes)
      return {
        code: 'oversize',
        detail: `${bytes.length} bytes; the longest statement taken is ${maxStatementBytes}`,
      };
    return ticket.device === undefined
      ? { code: 'unknown-device', detail: `${device} is not enrolled` }
      : undefined;
  }

  async #check(tickets: readonly Ticket[]): Promise<void> {
    const before = this.#handedOver;
    const turn = Promise.withResolvers<void>();
    this.#handedOver = turn.promise;
    const answer = this.#ask(tickets);
    answer.catch(() => undefined); // it is heard below, in its turn
    await before;
    try {
      void this.#record(tickets, withdrawStale(tickets, await answer, this.#options.registry));
    } catch (cause) {
      if (tickets.length === 1) this.#failCheck(tickets, cause);
      else await this.#checkOneByOne(tickets);
    }
    turn.resolve();
  }

  /** What a thread finds. */
  async #ask(tickets: readonly Ticket[]): Promise<CheckedData> {
    this.#checking += 1;
    try {
      return await this.#options.checker.check(
        makeCheckRequest(
          tickets.map(({ inbound, device, isNotHeld }) => ({
            inbound,
            device: device as EnrolledDevice,
            head: this.#heads.get(inbound.device),
            isNotHeld,
          })),
        ),
      );
    } finally {
      this.#checking -= 1;
      this.#schedule();
    }
  }

  /** A thread failed: whatever it was in one of the messages must not keep the others, nor change their order. */
  async #checkOneByOne(tickets: readonly Ticket[]): Promise<void> {
    for (const ticket of tickets) {
      const alone = [ticket];
      try {
        void this.#record(alone, withdrawStale(alone, await this.#ask(alone), this.#options.registry));
      } catch (cause) {
        this.#failCheck(alone, cause);
      }
    }
  }

  #failCheck(tickets: readonly Ticket[], cause: unknown): void {
    const why = 'a statement could not be checked; this is a fault of the gateway';
    for (const ticket of tickets) this.#giveUp(ticket, new GatewayError('check-failed', why, { cause }));
  }

  /** Hands a batch to the log and its verdicts to those who wait for them. */
  async #record(tickets: readonly Ticket[], data: CheckedData): Promise<void> {
    const checked = new CheckedBatch(data);
    let verdicts: VerdictBatch;
    try {
      verdicts = new VerdictBatch(await this.#options.log.commit(data));
    } catch (error) {
      for (const ticket of tickets) this.#giveUp(ticket, error);
      return;
    }
    this.#underWay -= tickets.length;
    const refusals = new Map(verdicts.data.refusals.map((refusal) => [refusal.at, refusal]));
    for (const [at, ticket] of tickets.entries()) {
      const head = verdicts.head(at);
      if (head !== undefined) this.#heads.learn(ticket.inbound.device, head);
      try {
        this.#settle(ticket, at, checked, verdicts, refusals.get(at));
      } catch (error) {
        this.#fail(ticket, error); // who listens must not keep the others from their verdicts
      }
    }
    this.#afterVerdicts();
  }

  #settle(
    ticket: Ticket,
    at: number,
    checked: CheckedBatch,
    verdicts: VerdictBatch,
    refusal: Pick<BatchRefusal, 'code' | 'detail'> | undefined,
  ): void {
    const outcome = outcomeOf(ticket.inbound.device, at, checked, verdicts, refusal);
    if (outcome === 'again') this.#again(ticket);
    else if (outcome instanceof GatewayError) this.#fail(ticket, outcome);
    else this.#answer(ticket, outcome);
  }

  #again(ticket: Ticket): void {
    ticket.trips += 1;
    ticket.isNotHeld = true;
    const { device } = ticket.inbound;
    if (ticket.trips <= TRIPS_MAX) {
      this.#queue.putBack(device, ticket);
      this.#queue.release(device);
    } else {
      const why = 'the device changes faster than it can be judged; the sender should try again';
      this.#fail(ticket, new GatewayError('overloaded', why));
    }
  }

  #answer(ticket: Ticket, verdict: Verdict): void {
    this.#queue.release(ticket.inbound.device);
    this.#options.onVerdict(verdict, ticket.inbound);
    ticket.resolve(verdict);
  }

  #fail(ticket: Ticket, error: unknown): void {
    this.#queue.release(ticket.inbound.device);
    ticket.reject(error);
  }

  /** Ends the way of a message without a verdict. */
  #giveUp(ticket: Ticket, error: unknown): void {
    this.#underWay -= 1;
    this.#fail(ticket, error);
    this.#afterVerdicts();
  }

  #afterVerdicts(): void {
    if (this.#queue.size > 0) this.#schedule();
    else if (this.#underWay === 0) this.#idle?.resolve();
  }
}
