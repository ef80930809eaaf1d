/**
 * Keeps one witness up with the log: shows it the newest checkpoint after each seal, and keeps what it cosigns. Nothing waits
 * for it. Each try starts from the store and from what the witness says, so a start after a crash is no special case.
 */
import type { NoteKey } from '../../src/signed-note.ts';
import type { GatewayErrorCode } from '../errors.ts';
import type { Checkpoint, Clock, CosignatureStore, Logger, LogReader, WitnessView } from '../ports.ts';
import { WokenLoop } from '../woken-loop.ts';
import type { WitnessAnswer, WitnessClient } from './client.ts';

export interface FollowerParts {
  readonly key: NoteKey;
  readonly client: Pick<WitnessClient, 'addCheckpoint'>;
  readonly log: Pick<LogReader, 'newestCheckpoint' | 'consistencyProof'>;
  readonly store: CosignatureStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailure: (witness: string, code: WitnessFailure['code']) => void;
}

interface WitnessFailure {
  readonly code: Extract<GatewayErrorCode, 'witness-unreachable' | 'witness-refused' | 'witness-conflict'>;
  readonly message: string;
}

export class WitnessFollower {
  readonly #parts: FollowerParts;
  readonly #loop: WokenLoop;
  /** Size that the witness has cosigned last, as far as is known; undefined until the store was asked. */
  #known: number | undefined;
  #failure: (WitnessFailure & { readonly at: number }) | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#loop = new WokenLoop((closing) => this.#turn(closing));
  }

  /** There is a checkpoint to show. */
  wake(): void {
    this.#loop.wake();
  }

  async view(): Promise<WitnessView> {
    const { key, log, store } = this.#parts;
    const [newest, cosigned] = await Promise.all([log.newestCheckpoint(), store.newest(key.name)]);
    return {
      name: key.name,
      size: cosigned?.size ?? 0,
      ...(cosigned && { cosignedAt: cosigned.time }),
      lag: (newest?.size ?? 0) - (cosigned?.size ?? 0),
      isInConflict: this.#failure?.code === 'witness-conflict',
      ...(this.#failure && { lastError: this.#failure }),
    };
  }

  /** Gives up what the witness owes an answer for. */
  close(): Promise<void> {
    return this.#loop.close();
  }

  async #turn(closing: AbortSignal): Promise<boolean> {
    let failure: WitnessFailure | undefined;
    try {
      failure = await this.#showNewest(closing);
    } catch (error) {
      // Ours: the store. It reports itself where it matters; here the witness is tried again later.
      failure = { code: 'witness-unreachable', message: `not shown: ${(error as Error).message}` };
    }
    if (!closing.aborted) this.#report(failure);
    return failure === undefined;
  }

  /** One try; a second one at once when the witness has cosigned another size than was thought. */
  async #showNewest(closing: AbortSignal): Promise<WitnessFailure | undefined> {
    const { key, log, store } = this.#parts;
    const cosigned = await store.newest(key.name);
    this.#known ??= cosigned?.size ?? 0;
    const checkpoint = await log.newestCheckpoint();
    if (checkpoint === undefined || checkpoint.size === cosigned?.size) return undefined;
    const answer = await this.#ask(checkpoint, closing);
    if (answer.kind !== 'other-size' || answer.size === this.#known) return this.#take(checkpoint, answer);
    // It may know a checkpoint that was sealed since.
    const newest = (await log.newestCheckpoint()) ?? checkpoint;
    if (answer.size > newest.size) return this.#take(newest, answer);
    if (answer.size < (cosigned?.size ?? 0)) this.#tellForgotten(answer.size);
    this.#known = answer.size;
    return this.#take(newest, await this.#ask(newest, closing));
  }

  async #ask(checkpoint: Checkpoint, closing: AbortSignal): Promise<WitnessAnswer> {
    const oldSize = Math.min(this.#known ?? 0, checkpoint.size);
    const proof = await this.#parts.log.consistencyProof(oldSize, checkpoint.size);
    return this.#parts.client.addCheckpoint({ oldSize, proof, note: checkpoint.note }, closing);
  }

  /** What an answer comes to. */
  async #take({ size }: Checkpoint, answer: WitnessAnswer): Promise<WitnessFailure | undefined> {
    switch (answer.kind) {
      case 'cosigned': {
        const { witness, time, line } = answer.cosignature;
        await this.#parts.store.keep({ size, witness, time, line });
        this.#known = size;
        return undefined;
      }
      case 'bad-proof':
        return conflict(`it has cosigned another history of the first ${this.#known} entries`);
      case 'other-size':
        if (answer.size > size)
          return conflict(`it has cosigned ${answer.size} entries, and the log has sealed ${size}`);
        if (answer.size === size) return conflict(`it has cosigned another root for the size ${size}`);
        this.#known = answer.size;
        return { code: 'witness-refused', message: 'it names one size and then another' };
      case 'refused':
        return { code: 'witness-refused', message: answer.reason };
      case 'away':
        return { code: 'witness-unreachable', message: answer.reason };
    }
  }

  /** Says a thing once, not at every try. */
  #report(failure: WitnessFailure | undefined): void {
    const { key, clock, logger, onFailure } = this.#parts;
    const before = this.#failure;
    this.#failure = failure && { ...failure, at: clock.now() };
    if (failure === undefined) {
      if (before !== undefined) logger.info({ witness: key.name }, 'the witness cosigns again');
      return;
    }
    const { code, message } = failure;
    onFailure(key.name, code);
    const fields = { witness: key.name, code, reason: message };
    if (before?.code === code) logger.debug(fields, 'the witness does not cosign');
    else if (code === 'witness-conflict')
      logger.error(
        fields,
        'the witness contradicts this log: it has forked, such as by a restored backup or a second gateway with its key, or the witness fails',
      );
    else logger.warn(fields, 'the witness does not cosign; it is tried again, nothing waits for it');
  }

  #tellForgotten(size: number): void {
    const witness = this.#parts.key.name;
    this.#parts.logger.warn(
      { witness, size },
      'the witness has forgotten what it cosigned; its operator should know',
    );
  }
}

function conflict(message: string): WitnessFailure {
  return { code: 'witness-conflict', message };
}
