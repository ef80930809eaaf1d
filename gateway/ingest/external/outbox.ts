/**
 * What the gateway has to tell devices and the broker has not taken yet: requests to send again, and the newest beacon. It outlives
 * connections, and keeps to the number of messages that the broker takes unacknowledged.
 */
import type { BrokerConnection, OutboundMessage } from './broker-connection.ts';

/** Beyond it the oldest are dropped: a device that is not asked now is asked at its next gap. */
const WAITING_MAX = 10_000;
/** At once at most, however many more the broker would take. */
const WINDOW_MAX = 100;

export class Outbox {
  readonly #onRefused: (topic: string) => void;
  readonly #waiting = new Set<OutboundMessage>();
  readonly #underWay = new Set<OutboundMessage>();
  #connection: BrokerConnection | undefined;
  #window = 1;

  /** @param onRefused told of what the broker does not let us publish; that is not tried again */
  constructor(onRefused: (topic: string) => void) {
    this.#onRefused = onRefused;
  }

  /** Sends as soon as there is a connection. A message that stays with the broker replaces an older one on its topic. */
  send(message: OutboundMessage): void {
    if (message.retain) {
      for (const older of this.#waiting) if (older.topic === message.topic) this.#waiting.delete(older);
    }
    this.#waiting.add(message);
    if (this.#waiting.size > WAITING_MAX) {
      const [oldest] = this.#waiting;
      this.#waiting.delete(oldest as OutboundMessage);
    }
    this.#pump();
  }

  /** Goes on over this connection; what an earlier one left unanswered is sent again. */
  use(connection: BrokerConnection, window: number): void {
    const again = [...this.#underWay, ...this.#waiting];
    this.#underWay.clear();
    this.#waiting.clear();
    for (const message of again) this.#waiting.add(message);
    this.#connection = connection;
    this.#window = Math.min(window, WINDOW_MAX);
    this.#pump();
  }

  #pump(): void {
    const connection = this.#connection;
    if (connection?.isReady !== true) return;
    for (const message of this.#waiting) {
      if (this.#underWay.size >= this.#window) return;
      this.#waiting.delete(message);
      this.#underWay.add(message);
      void connection.publish(message).then((isTaken) => {
        this.#underWay.delete(message);
        if (!isTaken) this.#onRefused(message.topic);
        this.#pump();
      });
    }
  }
}
