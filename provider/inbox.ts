/**
 * The provider's store: what was believed, what was refused, what was proven. Each entry exactly once.
 *
 * Every write is one transaction, and is on disk when the method returns.
 */
import { equalBytes } from '../src/bytes.ts';
import { encodeCbor } from '../src/cbor.ts';
import type { DeliveredEntry, ProvenEntry } from '../src/delivery.ts';
import { decodeLogStatement } from '../src/log-statement.ts';
import { type Anchor, encodeAnchor } from '../src/receipt/anchor.ts';
import type { Db } from './database.ts';
import { HEALING_FAULTS, type PlacedEvent } from './device-history.ts';
import { prepareInbox, toDelivered, toRefused, toStored } from './inbox-rows.ts';
import type { BelievedEntry, Judgement, RefusalCode, RefusedEntry } from './judge.ts';

/** How far an entry's proof has come. `contradicted`: the chain does not hold the anchor the gateway named. */
export type ProofState = 'unproven' | 'included' | 'anchored' | 'contradicted';

/** An entry as it lies in the inbox. */
export interface StoredEntry {
  /** Order of arrival here, from 1: a reader's cursor. */
  readonly position: number;
  readonly index: number;
  readonly entry: Uint8Array;
  readonly kind: DeliveredEntry['kind'];
  readonly device: string;
  readonly boot?: number;
  readonly seq?: number;
  readonly patient?: string;
  readonly flags: readonly string[];
  /** Milliseconds, by the gateway's clock. */
  readonly receivedAt: number;
  /** Milliseconds, by our clock. */
  readonly storedAt: number;
  readonly bytes: Uint8Array;
  readonly proof: ProofState;
  /** Size of the checkpoint that proves it. */
  readonly provenBy?: number;
}

/** Something that was delivered and not believed. */
export interface StoredRefusal extends Omit<RefusedEntry, 'kind' | 'index'> {
  readonly id: number;
  readonly kind: DeliveredEntry['kind'] | 'receipts';
  readonly index?: number;
  readonly storedAt: number;
  readonly batch: string;
}

/** What became of a batch of entries. */
export interface StoreResult {
  readonly stored: number;
  readonly known: number;
  readonly refused: number;
}

/** A checkpoint whose note and multiproof have been verified. */
export interface VerifiedProof {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly anchor: Anchor;
  readonly entries: readonly ProvenEntry[];
}

export interface InboxPage {
  /** Only positions above this one. */
  readonly after?: number;
  readonly limit?: number;
}

const PAGE = 100;

export class Inbox {
  readonly #db: Db;
  readonly #sql;

  constructor(db: Db) {
    this.#db = db;
    this.#sql = prepareInbox(db);
  }

  /** Events of a device believed so far. */
  historyOf(device: string): PlacedEvent[] {
    return this.#sql.events.all(device).flatMap(({ log_index: index, bytes }) => {
      const decoded = decodeLogStatement(bytes);
      if (decoded.kind === 'reject' || decoded.value.kind !== 'device-event') return [];
      const { event, key } = decoded.value;
      return [{ index, event, ...(key === undefined ? {} : { key }) }];
    });
  }

  /** Statements of a device that were refused for want of an event that may have come now. */
  healable(device: string): DeliveredEntry[] {
    return this.#sql.healable.all(device, JSON.stringify(HEALING_FAULTS)).map(toDelivered);
  }

  /** Stores judged entries and the indices that were erased before they came. What is here already stays as it is. */
  store(judged: readonly Judgement[], erased: readonly number[], batch: string, now: number): StoreResult {
    const result = { stored: 0, known: 0, refused: 0 };
    this.#transact(() => {
      for (const judgement of judged) result[this.#keep(judgement, batch, now)] += 1;
      for (const index of erased) this.#sql.erase.run(index, now);
    });
    return result;
  }

  /** Keeps a verified proof. False, and nothing kept, when another root of this size is known: the log has forked. */
  storeProof({ size, root, note, anchor, entries }: VerifiedProof): boolean {
    return this.#transact(() => {
      const known = this.#sql.checkpoint.get(size);
      if (known !== undefined && !equalBytes(known.root, root)) return false;
      this.#sql.addCheckpoint.run(size, root, note, encodeCbor(encodeAnchor(anchor)));
      for (const { index, entry } of entries) this.#sql.addProof.run(entry, index, size);
      return true;
    });
  }

  /** Keeps a receipts delivery that did not verify, as evidence. */
  refuseReceipts(
    entry: Uint8Array,
    bytes: Uint8Array,
    fault: { code: string; detail: string },
    batch: string,
    now: number,
  ): void {
    this.#sql.refuse.run({
      ...{ entry, bytes, batch, now, ...fault },
      ...{ index: -1, kind: 'receipts', device: null, patient: null, flags: '[]', receivedAt: now },
    });
  }

  /** Anchors nobody has compared with the chain yet, with the size they prove. */
  claimedAnchors(): { readonly size: number; readonly anchor: Uint8Array }[] {
    return this.#sql.claimed.all();
  }

  settleAnchor(size: number, state: 'anchored' | 'contradicted'): void {
    this.#sql.settle.run(state, size);
  }

  /** Statements in order of arrival. The same statement never has two positions. */
  statements({ after = 0, limit = PAGE }: InboxPage = {}): StoredEntry[] {
    return this.#sql.page.all(after, limit).map(toStored);
  }

  /** One entry by its SHA-256. */
  find(entry: Uint8Array): StoredEntry | undefined {
    const row = this.#sql.find.get(entry);
    return row && toStored(row);
  }

  /** Newest first. */
  refusals(limit = PAGE): StoredRefusal[] {
    return this.#sql.refusals.all(limit).map(toRefused);
  }

  counts(): {
    readonly statements: number;
    readonly refused: number;
    readonly proven: number;
    readonly erased: number;
  } {
    return this.#sql.counts.get() as ReturnType<Inbox['counts']>;
  }

  close(): void {
    this.#db.close();
  }

  #keep(judgement: Judgement, batch: string, now: number): keyof StoreResult {
    if (judgement.kind === 'refused') return this.#refuse(judgement.entry, batch, now);
    const { entry } = judgement;
    const known = this.#sql.find.get(entry.entry);
    if (known?.log_index === entry.index) return 'known';
    const conflict = known === undefined ? this.#conflict(entry) : 'index-conflict';
    if (conflict !== undefined) {
      const detail = 'another entry, or this one elsewhere, came first';
      return this.#refuse({ ...entry, code: conflict, detail }, batch, now);
    }
    this.#sql.add.run({ ...row(entry, batch, now), boot: entry.boot ?? null, seq: entry.seq ?? null });
    this.#sql.unrefuse.run(entry.entry, entry.index);
    return 'stored';
  }

  #conflict(entry: BelievedEntry): RefusalCode | undefined {
    if (this.#sql.atIndex.get(entry.index) !== undefined) return 'index-conflict';
    if (entry.kind !== 'statement') return undefined;
    return this.#sql.atSequence.get(entry.device, entry.boot, entry.seq) === undefined
      ? undefined
      : 'equivocation';
  }

  #refuse(entry: RefusedEntry, batch: string, now: number): 'refused' | 'known' {
    // Sent again after it was believed: a device event that came in between does not undo what was read already.
    if (this.#sql.find.get(entry.entry)?.log_index === entry.index) return 'known';
    const { changes } = this.#sql.refuse.run({
      ...row(entry, batch, now),
      code: entry.code,
      detail: entry.detail,
    });
    return changes === 1 ? 'refused' : 'known';
  }

  #transact<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }
}

function row(entry: BelievedEntry | RefusedEntry, batch: string, now: number) {
  const { bytes, index, kind, receivedAt } = entry;
  const { device = null, patient = null } = entry;
  return {
    entry: entry.entry,
    bytes,
    index,
    kind,
    device,
    patient,
    receivedAt,
    batch,
    now,
    flags: JSON.stringify(entry.flags),
  };
}
