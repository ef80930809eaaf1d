/**
 * Adds to anchors the proofs of their events, once their block is known. Receipts do without until then, so nothing here holds anything up: a node
 * that cannot give a proof is asked again later, more and more seldom.
 */
import { bytesToHex } from '../../src/bytes.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import type { EventProof } from '../../src/receipt/event-proof.ts';
import type { AnchorRecord, AnchorStore, Clock, Logger } from '../ports.ts';
import type { Chain } from './chain.ts';
import { ClockedBackOff } from './due.ts';

export interface EventProofParts {
  readonly chain: Pick<Chain, 'target' | 'eventProof'>;
  readonly store: Pick<AnchorStore, 'lackingProof' | 'save'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The longest wait between two tries. */
const LONGEST_WAIT_MS = 3_600_000;
/** As far back as is looked at once; what lies further back comes when these have theirs. */
const CONSIDERED = 64;

export class EventProofs {
  readonly #parts: EventProofParts;
  readonly #backoff: ClockedBackOff;
  /** How often in vain, by transaction. */
  #failures: ReadonlyMap<string, number> = new Map();
  #closed = false;

  constructor(parts: EventProofParts, firstWaitMs: number) {
    this.#parts = parts;
    this.#backoff = new ClockedBackOff(firstWaitMs, LONGEST_WAIT_MS);
  }

  /** Gets one proof, if one is lacking and it is time to ask. A node's failure is not the caller's; one of the store is. */
  async fetchNext(): Promise<void> {
    const { chain, store, clock, logger } = this.#parts;
    if (this.#backoff.remaining(clock.now()) > 0) return;
    const record = this.#choose(await store.lackingProof(chain.target, CONSIDERED));
    if (record?.anchor === undefined) return;
    const eventProof = await this.#ask(record, record.anchor);
    if (eventProof === undefined) return;
    await store.save({ ...record, anchor: { ...record.anchor, eventProof } });
    logger.debug(fieldsOf(record), 'the anchor has the proof of its event');
  }

  async #ask(record: AnchorRecord, anchor: Anchor): Promise<EventProof | undefined> {
    const { chain, logger } = this.#parts;
    try {
      const eventProof = await chain.eventProof(anchor);
      this.#backoff.reset();
      return eventProof;
    } catch (err) {
      if (this.#closed) return undefined;
      const level = this.#failed(record) === 1 ? 'info' : 'debug';
      const fields = { ...fieldsOf(record), err };
      logger[level](fields, 'no proof of the anchor’s event yet: receipts go without until then');
      return undefined;
    }
  }

  /** What fails from here on, fails because the chain was closed. */
  close(): void {
    this.#closed = true;
  }

  /** What has failed least, of these the newest: one block that no proof can be had of must not stand before the others. */
  #choose(lacking: readonly AnchorRecord[]): AnchorRecord | undefined {
    const failures = lacking.map((record) => [nameOf(record), this.#failuresOf(record)] as const);
    this.#failures = new Map(failures.filter(([, count]) => count > 0));
    return lacking.toSorted((a, b) => this.#failuresOf(a) - this.#failuresOf(b))[0];
  }

  #failed(record: AnchorRecord): number {
    const count = this.#failuresOf(record) + 1;
    this.#failures = new Map(this.#failures).set(nameOf(record), count);
    this.#backoff.fail(this.#parts.clock.now());
    return count;
  }

  #failuresOf(record: AnchorRecord): number {
    return this.#failures.get(nameOf(record)) ?? 0;
  }
}

function fieldsOf(record: AnchorRecord): object {
  return { size: record.size, transaction: `0x${nameOf(record)}` };
}

function nameOf({ transactionHash }: AnchorRecord): string {
  return bytesToHex(transactionHash);
}
