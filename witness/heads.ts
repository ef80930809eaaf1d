/** What the witness has promised: for each log the newest tree it has cosigned. It only ever grows. */
import { equalBytes } from '../src/bytes.ts';
import { EMPTY_ROOT } from '../src/merkle/hash.ts';
import { verifyConsistency } from '../src/merkle/verify.ts';
import type { Db } from './database.ts';

/** A tree that the log has signed. */
export interface Head {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The checkpoint as the log signed it. */
  readonly note: string;
}

/** A head that was cosigned. */
export interface KeptHead extends Head {
  /** Seconds since the Unix epoch. */
  readonly cosignedAt: number;
}

/** Two checkpoints of one log and one size with different roots: it has forked. */
export interface Fork {
  readonly origin: string;
  readonly size: number;
  readonly cosignedNote: string;
  readonly otherNote: string;
  readonly refusedAt: number;
}

export type Advance =
  | { readonly kind: 'advanced' }
  /** The log goes by another size than the one cosigned last. */
  | { readonly kind: 'other-size'; readonly size: number }
  /** Another root has been cosigned for this size. */
  | { readonly kind: 'fork'; readonly size: number }
  | { readonly kind: 'bad-proof' };

interface HeadRow {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly cosigned_at: number;
}

export class Heads {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * Checks a tree against the one cosigned last and puts it in its place, in one transaction: durable when it returns `advanced`,
   * and only then may it be cosigned. Throws the failure of the database; what is durable is unknown then until a restart.
   * @param oldSize the size the log believes was cosigned last; 0 for none
   */
  advance(head: Head, oldSize: number, proof: readonly Uint8Array[], now: number): Advance {
    // IMMEDIATE: what is compared stays so until it is replaced, whoever else has the file open.
    return this.#db
      .transaction((): Advance => {
        const kept = this.find(head.origin);
        const [fromSize, fromRoot] = [kept?.size ?? 0, kept?.root ?? EMPTY_ROOT];
        if (fromSize !== oldSize) return { kind: 'other-size', size: fromSize };
        if (fromSize === head.size && !equalBytes(fromRoot, head.root)) {
          if (kept !== undefined) this.#keepFork(kept, head, now);
          return { kind: 'fork', size: fromSize };
        }
        const claim = { fromSize, fromRoot, toSize: head.size, toRoot: head.root, proof };
        if (!verifyConsistency(claim)) return { kind: 'bad-proof' };
        this.#keep(head, now);
        return { kind: 'advanced' };
      })
      .immediate();
  }

  find(origin: string): KeptHead | undefined {
    const row = this.#db.prepare<[string], HeadRow>('SELECT * FROM heads WHERE origin = ?').get(origin);
    return row && toHead(row);
  }

  /** Every log that was ever cosigned, by origin. */
  list(): readonly KeptHead[] {
    return this.#db.prepare<[], HeadRow>('SELECT * FROM heads ORDER BY origin').all().map(toHead);
  }

  /** The forks that were shown, by origin. */
  forks(): readonly Fork[] {
    return this.#db
      .prepare<[], Fork>(
        `SELECT origin, size, cosigned_note AS cosignedNote, other_note AS otherNote, refused_at AS refusedAt
         FROM forks ORDER BY origin`,
      )
      .all();
  }

  close(): void {
    this.#db.close();
  }

  #keep({ origin, size, root, note }: Head, now: number): void {
    this.#db
      .prepare(
        `INSERT INTO heads (origin, size, root, note, cosigned_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note,
           cosigned_at = excluded.cosigned_at`,
      )
      .run(origin, size, root, note, now);
  }

  #keepFork(kept: KeptHead, other: Head, now: number): void {
    this.#db
      .prepare('INSERT INTO forks VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING')
      .run(kept.origin, kept.size, kept.note, other.note, now);
  }
}

function toHead({ origin, size, root, note, cosigned_at }: HeadRow): KeptHead {
  return { origin, size, root: Uint8Array.from(root), note, cosignedAt: cosigned_at };
}
