/** How far each device has come, per boot, and which numbers are missing below that. */
import type { SequenceRange } from '../ports.ts';
import type { Db } from './database.ts';

export const SEQUENCE_SCHEMA = `
CREATE TABLE IF NOT EXISTS sequences (
  device    INTEGER NOT NULL,
  boot      INTEGER NOT NULL,
  next      INTEGER NOT NULL,             -- one more than the greatest number held
  last_hash BLOB NOT NULL,                -- entry of next - 1
  last_iat  REAL,                         -- device clock of next - 1, s
  PRIMARY KEY (device, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
  device INTEGER NOT NULL,
  boot   INTEGER NOT NULL,
  first  INTEGER NOT NULL,
  last   INTEGER NOT NULL,                -- inclusive
  PRIMARY KEY (device, boot, first)
) STRICT, WITHOUT ROWID;
`;

export interface SequenceHead {
  readonly boot: number;
  readonly next: number;
  readonly last_hash: Uint8Array;
  readonly last_iat: number | null;
}

/** All SQL over the sequence tables. */
export class SequenceStore {
  readonly #head;
  readonly #newestBoot;
  readonly #saveHead;
  readonly #gapAround;
  readonly #deleteGap;
  readonly #insertGap;
  readonly #gaps;

  constructor(db: Db) {
    this.#head = db.prepare<[number, number], SequenceHead>(
      'SELECT * FROM sequences WHERE device = ? AND boot = ?',
    );
    this.#newestBoot = db
      .prepare<[number], number | null>('SELECT max(boot) FROM sequences WHERE device = ?')
      .pluck();
    this.#saveHead = db.prepare('INSERT OR REPLACE INTO sequences VALUES (?, ?, ?, ?, ?)');
    this.#gapAround = db.prepare<[number, number, number], { first: number; last: number }>(
      'SELECT first, last FROM gaps WHERE device = ? AND boot = ? AND first <= ? ORDER BY first DESC LIMIT 1',
    );
    this.#deleteGap = db.prepare('DELETE FROM gaps WHERE device = ? AND boot = ? AND first = ?');
    this.#insertGap = db.prepare('INSERT INTO gaps VALUES (?, ?, ?, ?)');
    this.#gaps = db.prepare<[number, number], SequenceRange>(
      'SELECT boot, first AS "from", last AS "to" FROM gaps WHERE device = ? ORDER BY boot, first LIMIT ?',
    );
  }

  head(device: number, boot: number): SequenceHead | undefined {
    return this.#head.get(device, boot);
  }

  newestBoot(device: number): number | undefined {
    return this.#newestBoot.get(device) ?? undefined;
  }

  saveHead(device: number, head: SequenceHead): void {
    this.#saveHead.run(device, head.boot, head.next, head.last_hash, head.last_iat);
  }

  openGap(device: number, gap: SequenceRange): void {
    this.#insertGap.run(device, gap.boot, gap.from, gap.to);
  }

  /** Takes one number out of the gap that holds it, leaving up to two smaller ones. */
  fillGap(device: number, boot: number, seq: number): void {
    const gap = this.#gapAround.get(device, boot, seq);
    if (gap === undefined || gap.last < seq) return;
    this.#deleteGap.run(device, boot, gap.first);
    if (gap.first < seq) this.#insertGap.run(device, boot, gap.first, seq - 1);
    if (seq < gap.last) this.#insertGap.run(device, boot, seq + 1, gap.last);
  }

  gaps(device: number, limit: number): SequenceRange[] {
    return this.#gaps.all(device, limit);
  }
}
