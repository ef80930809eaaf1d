/** A checker whose answers a test gives, in any order. */
import { expect, vi } from 'vitest';
import type { CheckedData } from '../../checked-batch.ts';
import { checkBatch } from '../check-batch.ts';
import type { Checker } from '../check-pool.ts';
import type { CheckRequest } from '../check-request.ts';

/** Gives its answers when it is told to, in any order. */
export class HeldChecker implements Checker {
  readonly width: number;
  readonly open: { readonly request: CheckRequest; readonly answer: () => void }[] = [];
  /** URNs of each request ever made. */
  readonly asked: (readonly string[])[] = [];
  /** Does what a thread does; throws when the thread would. */
  work: (request: CheckRequest) => CheckedData = checkBatch;

  constructor(width = 4) {
    this.width = width;
  }

  check(request: CheckRequest): Promise<CheckedData> {
    this.asked.push(request.urns);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        this.open.splice(
          this.open.findIndex((one) => one.answer === answer),
          1,
        );
        try {
          resolve(this.work(request));
        } catch (error) {
          reject(error);
        }
      };
      this.open.push({ request, answer });
    });
  }

  /** Answers the request at a place of those that are open, once there is one, and lets what follows from it happen. */
  async answer(at = 0): Promise<void> {
    await vi.waitFor(() => expect(this.open.length).toBeGreaterThan(at), { interval: 1, timeout: 10_000 });
    this.open[at]?.answer();
    await turns();
  }

  /** Answers in an order that `pick` chooses, until `done`. */
  async answerUntil(done: Promise<unknown>, pick: (open: number) => number = () => 0): Promise<void> {
    let isDone = false;
    void done.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      if (this.open.length > 0) this.open[pick(this.open.length)]?.answer();
      await turns();
    }
  }
}

/** Some turns of the event loop: enough for a batch to be handed over, committed and told. */
export async function turns(count = 6): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The same sequence of choices for the same seed. */
export function chooser(seed: number): (of: number) => number {
  let state = seed;
  return (of) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % of;
  };
}
