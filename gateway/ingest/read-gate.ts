/** Lets sockets be read while the intake has room, and in turn when it has had none. */
import type { Intake } from '../ports.ts';

/** A connection that wants to be read. */
export interface Reader {
  /** Called when it is its turn; it then tries to read again, and passes the gate. */
  resume(): void;
}

export class ReadGate {
  readonly #intake: Pick<Intake, 'room'>;
  /** Those that wait, in the order they came. */
  readonly #queue = new Set<Reader>();
  #turn: Reader | undefined;
  #isWaiting = false;
  readonly #onPause: () => void;

  /** @param onPause called whenever reading stops for everyone. */
  constructor(intake: Pick<Intake, 'room'>, onPause: () => void = () => undefined) {
    this.#intake = intake;
    this.#onPause = onPause;
  }

  /** Connections that wait to be read. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Whether this one may be read now. If not, it waits behind those that came before, and is resumed. */
  pass(reader: Reader): boolean {
    const isItsTurn = this.#queue.size === 0 || this.#turn === reader;
    const room = isItsTurn ? this.#intake.room() : undefined;
    if (isItsTurn && room === undefined) return true;
    this.#queue.add(reader);
    if (room !== undefined) this.#wait(room);
    return false;
  }

  /** It is closed and waits no more. */
  leave(reader: Reader): void {
    this.#queue.delete(reader);
  }

  #wait(room: Promise<void>): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#onPause();
    const goOn = () => {
      this.#isWaiting = false;
      this.#drain();
    };
    room.then(goOn, goOn);
  }

  /** One read each, in the order they came, for as long as there is room. Who wants more goes to the back. */
  #drain(): void {
    for (const reader of [...this.#queue]) {
      const room = this.#intake.room();
      if (room !== undefined) {
        this.#wait(room);
        return;
      }
      if (!this.#queue.delete(reader)) continue; // gone meanwhile
      this.#turn = reader;
      reader.resume();
      this.#turn = undefined;
    }
    if (this.#queue.size > 0) setImmediate(() => !this.#isWaiting && this.#drain());
  }
}
