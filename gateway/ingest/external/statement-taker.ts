/**
 * The way of a message from a broker to its PUBACK: topic, order, room, verdict. A failure of ours withholds the PUBACK and is tried
 * again here, each statement for itself with a pause that grows; the broker keeps the message meanwhile. When the
 * connection breaks first, or the gateway stops, the broker sends it again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BackOff } from '../../back-off.ts';
import { GatewayError, isWithheld } from '../../errors.ts';
import type { Clock, Intake, Logger, Verdict } from '../../ports.ts';
import { deviceOfStatementsTopic } from '../topics.ts';
import type { BrokerMessage } from './broker-connection.ts';
import type { DeviceOrder } from './device-order.ts';

export interface TakerOptions {
  /** For log lines. */
  readonly name: string;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent where one connection brings everything, in order. */
  readonly order: DeviceOrder | undefined;
  /** Called once the verdict is durable and the broker has been told. */
  readonly onVerdict: (device: string, verdict: Verdict, message: BrokerMessage) => void;
}

/** What came of messages so far. */
export interface TakerCounts {
  received: number;
  redelivered: number;
  retained: number;
  badTopics: number;
  failures: number;
  /** Given back to their devices without an answer: see `#withhold`. */
  withheld: number;
}

const FIRST_PAUSE_MS = 100;
/** A thousand statements that wait make a hundred attempts a second of it. */
const LONGEST_PAUSE_MS = 10_000;

export class StatementTaker {
  readonly counts: TakerCounts = {
    received: 0,
    redelivered: 0,
    retained: 0,
    badTopics: 0,
    failures: 0,
    withheld: 0,
  };
  readonly #options: TakerOptions;
  readonly #stopped = new AbortController();
  /** Statements that wait for room, in the order they came. */
  readonly #waiting: (() => void)[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #isDraining = false;
  #isFailing = false;

  constructor(options: TakerOptions) {
    this.#options = options;
  }

  take(message: BrokerMessage): void {
    this.counts.received += 1;
    if (message.isRedelivered) this.counts.redelivered += 1;
    const device = deviceOfStatementsTopic(message.topic); // attacker-controlled
    if (device === undefined) {
      this.counts.badTopics += 1;
      this.#options.logger.debug({ broker: this.#options.name }, 'bad topic: it names no device');
      message.acknowledge();
      return;
    }
    if (message.isRetained && message.payload.length === 0) {
      message.acknowledge(); // how what is retained on a topic is cleared, by us or by others: no statement
      return;
    }
    if (message.isRetained) this.counts.retained += 1;
    const start = () => this.#enter(() => this.#run(device, message));
    if (this.#options.order === undefined) start();
    else this.#options.order.enter(device, message.payload, start);
  }

  /** Finishes what the log is at, and leaves the rest to the broker. */
  async close(): Promise<void> {
    this.#stopped.abort();
    this.#options.order?.close();
    this.#waiting.length = 0;
    await Promise.all(this.#underWay);
  }

  /** In order, and only while there is room: behind that the broker's own bound on messages in flight holds. */
  #enter(start: () => void): void {
    if (!this.#isDraining && this.#options.intake.room() === undefined) {
      start();
      return;
    }
    this.#waiting.push(start);
    if (!this.#isDraining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    while (this.#waiting.length > 0) {
      const room = this.#options.intake.room();
      if (room !== undefined) await room;
      else this.#waiting.shift()?.();
    }
    this.#isDraining = false;
  }

  #run(device: string, message: BrokerMessage): void {
    const { name, logger, onVerdict } = this.#options;
    const work = this.#settle(device, message)
      .then((verdict) => {
        if (verdict === undefined) return; // the broker has it still
        message.acknowledge();
        if (verdict !== 'withheld') onVerdict(device, verdict, message);
      })
      .catch((error: Error) => logger.error({ broker: name, reason: error.message }, 'no answer was sent'))
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /**
   * Undefined when it is left to the broker: the connection broke, or the gateway stops. `withheld` when it is not taken for the
   * state of its device: left with the broker it would stand in the way of everybody's, so the device alone keeps it, which
   * sends it again as long as the gateway itself has not answered.
   */
  async #settle(device: string, message: BrokerMessage): Promise<Verdict | 'withheld' | undefined> {
    const { intake, clock } = this.#options;
    const inbound = { device, bytes: message.payload, receivedAt: clock.now() };
    const backOff = new BackOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    while (!message.isLost() && !this.#stopped.signal.aborted) {
      try {
        const verdict = await intake.submit(inbound);
        this.#works();
        return verdict;
      } catch (error) {
        if (isWithheld(error)) return this.#withhold(device, error);
        this.#fails(error);
        if (error instanceof GatewayError && error.fatal) return undefined;
        await delay(backOff.next(), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  #withhold(device: string, error: GatewayError): 'withheld' {
    this.counts.withheld += 1;
    this.#options.logger.info(
      { broker: this.#options.name, device, reason: error.message },
      'statement not answered',
    );
    return 'withheld';
  }

  #fails(error: unknown): void {
    this.counts.failures += 1;
    if (this.#isFailing) return; // one line, not one for each statement and attempt
    this.#isFailing = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn(
      { broker: this.#options.name, reason },
      'statements from the broker are not taken; they stay with it unacknowledged and are tried again',
    );
  }

  #works(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#options.logger.info({ broker: this.#options.name }, 'statements from the broker are taken again');
  }
}
