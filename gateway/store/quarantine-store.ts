/**
 * What was refused, with its reason. Two kinds, each bounded per device and in all, and neither in the other's way:
 *
 * - *Refused*: what falls out is counted. Names that nobody enrolled fall out first, since anyone can invent them; evidence of two
 *   statements under one number last.
 * - *Held back*: a suspended device did sign it and has forgotten it, so it never falls out. Where there is no room for one more it is
 *   not taken, and not acknowledged.
 */
import type { RejectCode } from '../../src/verdict.ts';
import type { Db } from './database.ts';

export const QUARANTINE_SCHEMA = `
CREATE TABLE IF NOT EXISTS quarantine (
  id          INTEGER PRIMARY KEY,
  device      TEXT NOT NULL,              -- as the topic named it
  code        TEXT NOT NULL,
  rank        INTEGER NOT NULL,           -- the lowest falls out first; 2 never does
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

/** The rank of what is held back. */
const HELD_BACK = 2;

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

/** Each holds for what is refused, and once more for what is held back. */
export interface QuarantineLimits {
  readonly perDevice: number;
  readonly total: number;
}

/** Whether a refusal was put down: it is new, it was there already, or there was no room for it. */
export type Kept = 'new' | 'known' | 'no-room';

/** All SQL over quarantine. */
export class QuarantineStore {
  readonly #db: Db;
  readonly #limits: QuarantineLimits;
  readonly #insert;
  readonly #known;
  readonly #refusedOfDevice;
  readonly #heldOfDevice;
  readonly #victimOfDevice;
  readonly #victim;
  readonly #countDrop;
  #refused = 0;
  #held = 0;

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
    this.#refusedOfDevice = db
      .prepare<[string], number>(`SELECT count(*) FROM quarantine WHERE device = ? AND rank <> ${HELD_BACK}`)
      .pluck();
    this.#heldOfDevice = db
      .prepare<[string], number>(`SELECT count(*) FROM quarantine WHERE device = ? AND rank = ${HELD_BACK}`)
      .pluck();
    this.#victimOfDevice = db.prepare<[string], { id: number; code: string }>(
      `SELECT id, code FROM quarantine WHERE device = ? AND rank <> ${HELD_BACK} ORDER BY rank, id LIMIT 1`,
    );
    this.#victim = db.prepare<[], { id: number; code: string }>(
      `SELECT id, code FROM quarantine WHERE rank <> ${HELD_BACK} ORDER BY rank, id LIMIT 1`,
    );
    this.#countDrop = db.prepare(
      'INSERT INTO quarantine_dropped VALUES (?, 1) ON CONFLICT (code) DO UPDATE SET count = count + 1',
    );
    this.recount();
  }

  /** Keeps one refusal; the same bytes under the same topic are kept once. */
  add(row: QuarantineRow): Kept {
    if (this.#known.get(row.device, row.entry) !== undefined) return 'known';
    const rank = rankOf(row.code);
    if (rank === HELD_BACK && !this.#hasRoom(row.device)) return 'no-room';
    this.#insert.run({ ...row, rank });
    if (rank === HELD_BACK) this.#held += 1;
    else {
      this.#refused += 1;
      this.#trimAll(row.device);
    }
    return 'new';
  }

  /** Called after a rolled-back transaction, when the running totals may be ahead of the rows. */
  recount(): void {
    this.#held = this.held();
    this.#refused = this.count() - this.#held;
  }

  /** Everything that is kept. */
  count(): number {
    return this.#db.prepare<[], number>('SELECT count(*) FROM quarantine').pluck().get() ?? 0;
  }

  /** What is held back until its device is resumed. */
  held(): number {
    return (
      this.#db
        .prepare<[], number>(`SELECT count(*) FROM quarantine WHERE rank = ${HELD_BACK}`)
        .pluck()
        .get() ?? 0
    );
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

  /** The device named by a row. */
  deviceOf(id: number): string | undefined {
    return this.#db.prepare<[number], string>('SELECT device FROM quarantine WHERE id = ?').pluck().get(id);
  }

  /** Takes one out that has become an entry of the log. */
  remove(id: number): void {
    const removed = this.#db
      .prepare<[number], { rank: number }>('DELETE FROM quarantine WHERE id = ? RETURNING rank')
      .get(id);
    if (removed?.rank === HELD_BACK) this.#held -= 1;
    else if (removed !== undefined) this.#refused -= 1;
  }

  /** One that was held back, or whose key was missing, was looked at again and refused for good. */
  refuseForGood(id: number, code: RejectCode, detail: string): void {
    this.#db
      .prepare('UPDATE quarantine SET code = ?, detail = ?, rank = ? WHERE id = ?')
      .run(code, detail, rankOf(code), id);
    this.recount();
  }

  /** Nothing that is held back of a device will ever be taken in: it is kept within the bounds of what is refused. */
  giveUp(device: string): void {
    const { changes } = this.#db
      .prepare(`UPDATE quarantine SET rank = 1 WHERE device = ? AND rank = ${HELD_BACK}`)
      .run(device);
    this.#held -= changes;
    this.#refused += changes;
  }

  #hasRoom(device: string): boolean {
    if (this.#held >= this.#limits.total) return false;
    return (this.#heldOfDevice.get(device) ?? 0) < this.#limits.perDevice;
  }

  #trimAll(device: string): void {
    const ofDevice = this.#refusedOfDevice.get(device) ?? 0;
    this.#trim(ofDevice - this.#limits.perDevice, () => this.#victimOfDevice.get(device));
    this.#trim(this.#refused - this.#limits.total, () => this.#victim.get());
  }

  /** Normally one too many; more only after a limit was lowered. */
  #trim(excess: number, nextVictim: () => { id: number; code: string } | undefined): void {
    for (let i = 0; i < Math.min(excess, DROPS_AT_ONCE); i++) this.#drop(nextVictim());
  }

  #drop(victim: { id: number; code: string } | undefined): void {
    if (victim === undefined) return;
    this.#db.prepare('DELETE FROM quarantine WHERE id = ?').run(victim.id);
    this.#countDrop.run(victim.code);
    this.#refused -= 1;
  }
}

function rankOf(code: RejectCode): number {
  if (code === 'unknown-device') return 0;
  if (code === 'suspended-device') return HELD_BACK;
  return code === 'equivocation' ? 3 : 1;
}
