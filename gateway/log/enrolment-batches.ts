/**
 * Carries out files of enrolments: all of a file or nothing of it, however it ends.
 *
 * The file is checked as a whole, then decided in one short transaction; from then on nothing can refuse it, and whoever writes
 * the log carries it on to its end, after a crash too. Its enrolments enter the log in transactions of a few milliseconds, so that
 * no reading waits behind ten thousand of them; the last transaction makes all its devices known at once.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PublicKey } from '../../src/cose/key.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Clock, Logger } from '../ports.ts';
import type { BatchStatus, EnrolmentItem, LineRefusal } from '../store/enrolment-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { Committer } from './committer.ts';
import type { EventFields } from './device-changes.ts';
import { parseEnrolment } from './device-requests.ts';
import type { EntryBook } from './entries.ts';
import type { Keyring } from './keyring.ts';

/** Enrolments in one transaction: 6 ms of work and one fsync (measured on two cores of a server: 0.1 ms each). */
const ITEMS_A_COMMIT = 64;
/** Signatures, or keys checked, between two turns of the event loop: one or two milliseconds. */
const ITEMS_A_TURN = 16;
const ITEMS_A_PURGE = 512;
/** Refusals kept for whoever asks why. */
const REFUSALS_KEPT = 1_000;
/** A file takes seconds to arrive; one that stopped this long ago lost its command line. */
const ABANDONED_AFTER_MS = 3_600_000;

export interface EnrolmentBatchParts {
  readonly committer: Committer;
  readonly book: EntryBook;
  readonly keys: Keyring;
  readonly registry: RegistryStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the devices of a file have become enrolled. */
  readonly onFleetChanged: () => void;
  readonly sign: (device: string, fields: EventFields, now: number) => Promise<Uint8Array>;
}

/** An enrolment with its event, ready to be appended. */
interface Prepared {
  readonly item: EnrolmentItem;
  readonly key: PublicKey;
  readonly bytes: Uint8Array;
}

export class EnrolmentBatches {
  readonly #parts: EnrolmentBatchParts;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(parts: EnrolmentBatchParts) {
    this.#parts = parts;
  }

  /**
   * Carries out every batch that waits; a call while one is under way joins it.
   * @param signal stops between two transactions; the next call goes on from there
   */
  process(signal?: AbortSignal): Promise<void> {
    this.#isAskedAgain = true; // what came after the last look of a run under way is still to be looked at
    this.#running ??= this.#processAll(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #processAll(signal: AbortSignal | undefined): Promise<void> {
    const { enrolments } = this.#parts.registry;
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      for (let batch = enrolments.next(); batch !== undefined; batch = enrolments.next()) {
        if (signal?.aborted) return;
        if (batch.state === 'waiting') await this.#decide(batch);
        else if (!(await this.#carryOut(batch, signal))) return;
      }
      await this.#tidy();
    }
  }

  /** All lines are looked at before anything is done for one of them. */
  async #decide({ id, size }: BatchStatus): Promise<void> {
    const { committer, registry, clock, logger } = this.#parts;
    const { enrolments } = registry;
    const malformed = await this.#malformed(id);
    const refused = await committer.run(() => {
      const refusals = [...malformed, ...enrolments.conflicts(id, REFUSALS_KEPT)].slice(0, REFUSALS_KEPT);
      if (refusals.length > 0) enrolments.refuse(id, refusals, clock.now());
      else enrolments.decide(id, clock.now());
      return refusals.length;
    });
    logger.info({ batch: id, enrolments: size, refused }, 'enrolments of a file checked');
  }

  async #malformed(batch: number): Promise<LineRefusal[]> {
    const { enrolments } = this.#parts.registry;
    const refusals: LineRefusal[] = [];
    let after = 0;
    for (;;) {
      const items = enrolments.items(batch, after, ITEMS_A_TURN);
      for (const item of items) {
        const refusal = problemOf(item);
        if (refusal !== undefined && refusals.length < REFUSALS_KEPT)
          refusals.push({ line: item.line, refusal });
      }
      const last = items.at(-1);
      if (last === undefined) return refusals;
      after = last.line;
      await nextTurn();
    }
  }

  /** False when it was told to stop. */
  async #carryOut({ id, loggedTo, size }: BatchStatus, signal: AbortSignal | undefined): Promise<boolean> {
    const { committer, registry, clock, logger, onFleetChanged } = this.#parts;
    const { enrolments } = registry;
    for (let after = loggedTo; ; ) {
      if (signal?.aborted) return false;
      const items = enrolments.items(id, after, ITEMS_A_COMMIT);
      const last = items.at(-1);
      if (last === undefined) break;
      const now = clock.now();
      const prepared = await this.#prepare(items, now);
      const bytes = prepared.reduce((sum, { bytes }) => sum + bytes.length, 0);
      await committer.run(() => {
        for (const each of prepared) this.#append(id, each, now);
        enrolments.advance(id, items);
      }, bytes);
      after = last.line;
    }
    await committer.run(() => enrolments.finish(id, clock.now()));
    logger.info({ batch: id, enrolments: size }, 'enrolments of a file are in effect');
    onFleetChanged();
    return true;
  }

  async #prepare(items: readonly EnrolmentItem[], now: number): Promise<Prepared[]> {
    const prepared: Prepared[] = [];
    for (const [at, item] of items.entries()) {
      const { key } = parseEnrolment(item);
      prepared.push({ item, key, bytes: await this.#parts.sign(item.device, { event: 'enrol', key }, now) });
      if (at % ITEMS_A_TURN === ITEMS_A_TURN - 1) await nextTurn();
    }
    return prepared;
  }

  /** Inside the transaction. Since the decision only the erasure of a patient can have come in between. */
  #append(batch: number, { item, key, bytes }: Prepared, now: number): void {
    const { registry, keys, book } = this.#parts;
    const owner = keys.ownerNamed(item.patient);
    if (keys.keyOf(owner) === undefined) {
      registry.enrolments.refuseLine(batch, {
        line: item.line,
        refusal: `patient ${item.patient} has been erased`,
      });
      return;
    }
    const device = registry.addDevice(item.device, owner, item.provider, now, item.cadence);
    registry.keys.add(device, key, now);
    registry.enrolments.hide(batch, device);
    const entry = sha256(bytes);
    const { provider } = item;
    book.append({ kind: 'device-event', bytes, entry, owner, receivedAt: now, device, provider });
  }

  /** What is over leaves no second record of who wears what. */
  async #tidy(): Promise<void> {
    const { committer, registry, clock } = this.#parts;
    const { enrolments } = registry;
    const before = clock.now() - ABANDONED_AFTER_MS;
    await committer.run(() => enrolments.abandon(before));
    while (await committer.run(() => enrolments.purge(before, ITEMS_A_PURGE))) await nextTurn();
  }
}

function problemOf(item: EnrolmentItem): string | undefined {
  try {
    parseEnrolment(item);
    return undefined;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}
