/** Which numbers are missing below the greatest one that a device holds, per boot. */
import type { SequenceRange } from '../ports.ts';
import type { Db } from './database.ts';

export const SEQUENCE_SCHEMA = `
CREATE TABLE IF NOT EXISTS gaps (
  device INTEGER NOT NULL,
  boot   INTEGER NOT NULL,
  first  INTEGER NOT NULL,
  last   INTEGER NOT NULL,                -- inclusive
  PRIMARY KEY (device, boot, first)
) STRICT, WITHOUT ROWID;
`;

/** All SQL over the gaps. */
export class SequenceStore {
  readonly #gapAround;
  readonly #deleteGap;
  readonly #insertGap;
  readonly #gaps;
  readonly #gapsBehind;
  readonly #devices;

  constructor(db: Db) {
    this.#gapAround = db.prepare<[number, number, number], { first: number; last: number }>(
      'SELECT first, last FROM gaps WHERE device = ? AND boot = ? AND first <= ? ORDER BY first DESC LIMIT 1',
    );
    this.#deleteGap = db.prepare('DELETE FROM gaps WHERE device = ? AND boot = ? AND first = ?');
    this.#insertGap = db.prepare('INSERT INTO gaps VALUES (?, ?, ?, ?)');
    this.#gaps = db.prepare<[number, number], SequenceRange>(
      'SELECT boot, first AS "from", last AS "to" FROM gaps WHERE device = ? ORDER BY boot, first LIMIT ?',
    );
    this.#gapsBehind = db.prepare<[number, number, number, number], SequenceRange>(
      'SELECT boot, first AS "from", last AS "to" FROM gaps WHERE device = ? AND (boot, first) > (?, ?) ORDER BY boot, first LIMIT ?',
    );
    this.#devices = db
      .prepare<[], string>('SELECT urn FROM devices WHERE id IN (SELECT device FROM gaps)')
      .pluck();
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

  /** Devices that miss something. */
  devicesWithGaps(): IterableIterator<string> {
    return this.#devices.iterate();
  }

  /** The first ones, or those behind one of them. */
  gaps(device: number, limit: number, behind?: Pick<SequenceRange, 'boot' | 'from'>): SequenceRange[] {
    return behind === undefined
      ? this.#gaps.all(device, limit)
      : this.#gapsBehind.all(device, behind.boot, behind.from, limit);
  }
}
