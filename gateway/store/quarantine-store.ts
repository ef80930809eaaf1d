/**
 * What was refused, with its reason. Bounded per device and in all; what falls out is counted. Names that nobody enrolled fall out
 * first, since anyone can invent them; what a device did sign falls out after all that may be anybody's, and evidence of two statements
 * under one number last.
 */
import type { RejectCode } from '../../src/verdict.ts';
import type { Db } from './database.ts';

export const QUARANTINE_SCHEMA = `
CREATE TABLE IF NOT EXISTS quarantine (
  id          INTEGER PRIMARY KEY,
  device      TEXT NOT NULL,              -- as the topic named it
  code        TEXT NOT NULL,
  rank        INTEGER NOT NULL,           -- the lowest falls out first
  detail      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  entry       BLOB NOT NULL,              -- SHA-256 of the bytes
  length      INTEGER NOT NULL,
  owner       INTEGER NOT NULL,
  sealed      BLOB NOT NULL               -- the bytes, or their beginning when they were long
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_by_bytes ON quarantine (device, entry);
CREATE INDEX IF NOT EXISTS quarantine_by_device ON quarantine (device, rank, id);
CREATE INDEX IF NOT EXISTS quarantine_by_rank ON quarantine (rank, id);
CREATE TABLE IF NOT EXISTS quarantine_dropped (
  code  TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** A lowered limit is reached over several refusals, so that no commit has to delete a whole table. */
const DROPS_AT_ONCE = 100;

export interface QuarantineRow {
  readonly device: string;
  readonly code: RejectCode;
  readonly detail: string;
  readonly received_at: number;
  readonly entry: Uint8Array;
  readonly length: number;
  readonly owner: number;
  readonly sealed: Uint8Array;
}

export interface QuarantineLimits {
  readonly perDevice: number;
  readonly total: number;
}

/** All SQL over quarantine. */
export class QuarantineStore {
  readonly #db: Db;
  readonly #limits: QuarantineLimits;
  readonly #insert;
  readonly #known;
  readonly #perDevice;
  readonly #victimOfDevice;
  readonly #victim;
  readonly #countDrop;
  #total: number;

  constructor(db: Db, limits: QuarantineLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#insert = db.prepare(
      'INSERT INTO quarantine (device, code, rank, detail, received_at, entry, length, owner, sealed) ' +
        'VALUES (@device, @code, @rank, @detail, @received_at, @entry, @length, @owner, @sealed)',
    );
    this.#known = db
      .prepare<[string, Uint8Array], number>('SELECT id FROM quarantine WHERE device = ? AND entry = ?')
      .pluck();
    this.#perDevice = db
      .prepare<[string], number>('SELECT count(*) FROM quarantine WHERE device = ?')
      .pluck();
    this.#victimOfDevice = db.prepare<[string], { id: number; code: string }>(
      'SELECT id, code FROM quarantine WHERE device = ? ORDER BY rank, id LIMIT 1',
    );
    this.#victim = db.prepare<[], { id: number; code: string }>(
      'SELECT id, code FROM quarantine ORDER BY rank, id LIMIT 1',
    );
    this.#countDrop = db.prepare(
      'INSERT INTO quarantine_dropped VALUES (?, 1) ON CONFLICT (code) DO UPDATE SET count = count + 1',
    );
    this.#total = this.count();
  }

  /** Keeps one refusal; the same bytes under the same topic are kept once. */
  add(row: QuarantineRow): void {
    if (this.#known.get(row.device, row.entry) !== undefined) return;
    this.#insert.run({ ...row, rank: rankOf(row.code) });
    this.#total += 1;
    const ofDevice = this.#perDevice.get(row.device) ?? 0;
    this.#trim(ofDevice - this.#limits.perDevice, () => this.#victimOfDevice.get(row.device));
    this.#trim(this.#total - this.#limits.total, () => this.#victim.get());
  }

  /** Called after a rolled-back transaction, when the running total may be ahead of the rows. */
  recount(): void {
    this.#total = this.count();
  }

  count(): number {
    return this.#db.prepare<[], number>('SELECT count(*) FROM quarantine').pluck().get() ?? 0;
  }

  dropped(): number {
    return (
      this.#db.prepare<[], number>('SELECT coalesce(sum(count), 0) FROM quarantine_dropped').pluck().get() ??
      0
    );
  }

  list(limit: number, device?: string): (QuarantineRow & { readonly id: number })[] {
    const where = device === undefined ? '' : 'WHERE device = @device ';
    const query = this.#db.prepare<[object], QuarantineRow & { id: number }>(
      `SELECT * FROM quarantine ${where}ORDER BY id DESC LIMIT @limit`,
    );
    return query.all(device === undefined ? { limit } : { limit, device });
  }

  /** Devices of which something is kept under one of these codes. */
  devicesWith(codes: readonly RejectCode[]): string[] {
    return this.#db
      .prepare<[string], string>(
        'SELECT DISTINCT device FROM quarantine WHERE code IN (SELECT value FROM json_each(?))',
      )
      .pluck()
      .all(JSON.stringify(codes));
  }

  /** What is kept of a device under these codes, oldest first. */
  ofDevice(device: string, codes: readonly RejectCode[]): (QuarantineRow & { readonly id: number })[] {
    return this.#db
      .prepare<[string, string], QuarantineRow & { id: number }>(
        'SELECT * FROM quarantine WHERE device = ? AND code IN (SELECT value FROM json_each(?)) ORDER BY id',
      )
      .all(device, JSON.stringify(codes));
  }

  /** Takes one out that has become an entry of the log. */
  remove(id: number): void {
    this.#total -= this.#db.prepare('DELETE FROM quarantine WHERE id = ?').run(id).changes;
  }

  /** Normally one too many; more only after a limit was lowered. */
  #trim(excess: number, nextVictim: () => { id: number; code: string } | undefined): void {
    for (let i = 0; i < Math.min(excess, DROPS_AT_ONCE); i++) this.#drop(nextVictim());
  }

  #drop(victim: { id: number; code: string } | undefined): void {
    if (victim === undefined) return;
    this.#db.prepare('DELETE FROM quarantine WHERE id = ?').run(victim.id);
    this.#countDrop.run(victim.code);
    this.#total -= 1;
  }
}

function rankOf(code: RejectCode): number {
  if (code === 'unknown-device') return 0;
  if (code === 'suspended-device') return 2;
  return code === 'equivocation' ? 3 : 1;
}
