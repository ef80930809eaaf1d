/**
 * What logs have signed that does not go with what was cosigned. Whoever has the log's key can check each pair of notes later.
 *
 * - A fork: two checkpoints of one size with different roots. Proof as it stands.
 * - Unproven: a checkpoint larger than the one cosigned, offered with a proof that does not hold. A fork shows like this, and so does a
 *   genuine checkpoint whose proof was broken on the way, by whom ever. It is withdrawn when a proof shows that both are one history.
 * - Stale: a checkpoint smaller than the one cosigned. A log put back to an old copy shows like this, and so does an old checkpoint that
 *   somebody shows again. It is counted.
 */
import { equalBytes } from '../src/bytes.ts';
import type { Db } from './database.ts';

/** Of one log. The first ones are kept: they are nearest to where the histories part. */
const MAX_UNPROVEN = 16;
const PAIR = 'cosigned_note AS cosignedNote, other_note AS otherNote, refused_at AS refusedAt';

/** A tree that the log has signed. */
export interface Head {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The checkpoint as the log signed it. */
  readonly note: string;
}

/** Both notes as the log signed them. Times are seconds since the Unix epoch. */
interface Pair {
  /** Of the other one. */
  readonly size: number;
  readonly cosignedNote: string;
  readonly otherNote: string;
  readonly refusedAt: number;
}

interface Unproven extends Pair {
  /** Of the other one. */
  readonly root: Uint8Array;
}

/** What there is about one log. */
export interface Found {
  /** The first one. */
  readonly fork?: Pair;
  /** By size; never empty. */
  readonly unproven?: readonly Unproven[];
  /** How many, and the last one. */
  readonly stale?: { readonly count: number; readonly size: number; readonly refusedAt: number };
}

/** Every method but `of` is called inside the transaction that judges the offer. */
export class Evidence {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  keepFork(cosigned: Head, otherNote: string, now: number): void {
    this.#db
      .prepare('INSERT INTO forks VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING')
      .run(cosigned.origin, cosigned.size, cosigned.note, otherNote, now);
  }

  keepUnproven(cosigned: Head, { origin, size, root, note }: Head, now: number): void {
    this.#db
      .prepare(
        `INSERT INTO unproven SELECT ?, ?, ?, ?, ?, ?
         WHERE (SELECT count(*) FROM unproven WHERE origin = ?) < ${MAX_UNPROVEN}
         ON CONFLICT DO NOTHING`,
      )
      .run(origin, size, root, cosigned.note, note, now, origin);
  }

  countStale({ origin, size }: Head, now: number): void {
    this.#db
      .prepare(
        `INSERT INTO stale VALUES (?, 1, ?, ?)
         ON CONFLICT (origin) DO UPDATE SET count = count + 1, size = excluded.size, refused_at = excluded.refused_at`,
      )
      .run(origin, size, now);
  }

  /** A checkpoint was cosigned: what was offered for its size is of its history, or proof of a fork. True when it is that. */
  settle(cosigned: Head, now: number): boolean {
    let isFork = false;
    for (const other of this.#unprovenOf(cosigned.origin, cosigned.size)) {
      if (!equalBytes(other.root, cosigned.root)) {
        this.keepFork(cosigned, other.otherNote, now);
        isFork = true;
      }
      this.#withdraw(cosigned.origin, other);
    }
    return isFork;
  }

  /** Withdraws what was offered for a size and is proven now to be a part of what was cosigned. */
  withdrawWhere(origin: string, size: number, isProven: (root: Uint8Array) => boolean): void {
    for (const other of this.#unprovenOf(origin, size))
      if (isProven(other.root)) this.#withdraw(origin, other);
  }

  of(origin: string): Found {
    const fork = this.#db
      .prepare<[string], Pair>(`SELECT size, ${PAIR} FROM forks WHERE origin = ?`)
      .get(origin);
    const unproven = this.#db
      .prepare<[string], Unproven>(`SELECT size, root, ${PAIR} FROM unproven WHERE origin = ? ORDER BY size`)
      .all(origin)
      .map((row) => ({ ...row, root: Uint8Array.from(row.root) }));
    const stale = this.#db
      .prepare<[string], NonNullable<Found['stale']>>(
        'SELECT count, size, refused_at AS refusedAt FROM stale WHERE origin = ?',
      )
      .get(origin);
    return { ...(fork && { fork }), ...(unproven.length > 0 && { unproven }), ...(stale && { stale }) };
  }

  #unprovenOf(origin: string, size: number): readonly Unproven[] {
    return (this.of(origin).unproven ?? []).filter((one) => one.size === size);
  }

  #withdraw(origin: string, { size, root }: Unproven): void {
    this.#db
      .prepare('DELETE FROM unproven WHERE origin = ? AND size = ? AND root = ?')
      .run(origin, size, root);
  }
}
