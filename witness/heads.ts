/** What the witness has promised: for each log the newest tree it has cosigned. It only ever grows. */
import { equalBytes } from '../src/bytes.ts';
import { EMPTY_ROOT } from '../src/merkle/hash.ts';
import { verifyConsistency } from '../src/merkle/verify.ts';
import type { Db } from './database.ts';
import { Evidence, type Head } from './evidence.ts';

/** Of one log: more than a gateway that seals every ten minutes signs in a week. */
const MAX_COSIGNED = 1_024;

/** A head that was cosigned. */
export interface KeptHead extends Head {
  /** Seconds since the Unix epoch. */
  readonly cosignedAt: number;
}

/** What an offer came to, and the size that is cosigned last now. */
export type Advance =
  /** `isFork`: another root was offered for this size before. */
  | { readonly kind: 'advanced'; readonly size: number; readonly isFork: boolean }
  /** The log goes by another size than the one cosigned last. */
  | { readonly kind: 'other-size'; readonly size: number }
  /** The log has not got as far as what was cosigned last. */
  | { readonly kind: 'stale'; readonly size: number }
  /** Another root has been cosigned for this size. */
  | { readonly kind: 'fork'; readonly size: number }
  | { readonly kind: 'bad-proof'; readonly size: number };

interface HeadRow {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly cosigned_at: number;
}

export class Heads {
  readonly evidence: Evidence;
  readonly #db: Db;
  readonly #remembered: number;

  /** @param remembered how many of the sizes cosigned are remembered of each log */
  constructor(db: Db, remembered = MAX_COSIGNED) {
    this.#db = db;
    this.#remembered = remembered;
    this.evidence = new Evidence(db);
  }

  /**
   * Checks a tree against the one cosigned last and puts it in its place, in one transaction: durable when it returns `advanced`,
   * and only then may it be cosigned. So is the evidence that it keeps otherwise. Throws the failure of the database; what is durable is
   * unknown then until a restart.
   * @param oldSize the size the log believes was cosigned last; 0 for none
   */
  advance(head: Head, oldSize: number, proof: readonly Uint8Array[], now: number): Advance {
    // IMMEDIATE: what is compared stays so until it is replaced, whoever else has the file open.
    return this.#db.transaction(() => this.#judge(head, oldSize, proof, now)).immediate();
  }

  #judge(head: Head, oldSize: number, proof: readonly Uint8Array[], now: number): Advance {
    const kept = this.find(head.origin);
    const [fromSize, fromRoot] = [kept?.size ?? 0, kept?.root ?? EMPTY_ROOT];
    const cosigned = kept?.size === head.size ? kept : this.#findCosigned(head);
    if (cosigned !== undefined && !equalBytes(cosigned.root, head.root)) {
      this.evidence.keepFork(cosigned, head.note, now);
      return { kind: 'fork', size: fromSize };
    }
    const claim = { toSize: head.size, toRoot: head.root, proof };
    if (fromSize !== oldSize) {
      const isProven = (fromRoot: Uint8Array) => verifyConsistency({ fromSize: oldSize, fromRoot, ...claim });
      if (cosigned !== undefined) this.evidence.withdrawWhere(head.origin, oldSize, isProven);
      if (head.size >= fromSize) return { kind: 'other-size', size: fromSize };
      this.evidence.countStale(head, now);
      return { kind: 'stale', size: fromSize };
    }
    if (!verifyConsistency({ fromSize, fromRoot, ...claim })) {
      // Everything extends the empty tree, and the root cosigned is no other history.
      if (kept !== undefined && fromSize > 0 && head.size > fromSize)
        this.evidence.keepUnproven(kept, head, now);
      return { kind: 'bad-proof', size: fromSize };
    }
    this.#keep(head, now);
    return { kind: 'advanced', size: head.size, isFork: this.evidence.settle(head, now) };
  }

  find(origin: string): KeptHead | undefined {
    const row = this.#db.prepare<[string], HeadRow>('SELECT * FROM heads WHERE origin = ?').get(origin);
    return row && toHead(row);
  }

  /** Every log that was ever cosigned, by origin. */
  list(): readonly KeptHead[] {
    return this.#db.prepare<[], HeadRow>('SELECT * FROM heads ORDER BY origin').all().map(toHead);
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
    this.#db.prepare('INSERT OR IGNORE INTO cosigned VALUES (?, ?, ?, ?)').run(origin, size, root, note);
    this.#db
      .prepare(
        `DELETE FROM cosigned WHERE origin = ? AND size <=
           (SELECT size FROM cosigned WHERE origin = ? ORDER BY size DESC LIMIT 1 OFFSET ?)`,
      )
      .run(origin, origin, this.#remembered);
  }

  /** What was cosigned for the size of a tree, as far as it is remembered. */
  #findCosigned({ origin, size }: Head): Head | undefined {
    const row = this.#db
      .prepare<[string, number], Head>('SELECT * FROM cosigned WHERE origin = ? AND size = ?')
      .get(origin, size);
    return row && { ...row, root: Uint8Array.from(row.root) };
  }
}

function toHead({ origin, size, root, note, cosigned_at }: HeadRow): KeptHead {
  return { origin, size, root: Uint8Array.from(root), note, cosignedAt: cosigned_at };
}
