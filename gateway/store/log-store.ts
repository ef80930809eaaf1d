/**
 * Rows of the log: entries, full tiles and checkpoints. Rows are only ever added; the one change is that an entry's
 * sealed bytes become unreadable when its patient's key is erased.
 */
import type { Statement as Query } from 'better-sqlite3';
import type { Checkpoint, EntryKind } from '../ports.ts';
import type { Db } from './database.ts';

export const LOG_SCHEMA = `
CREATE TABLE IF NOT EXISTS entries (
  idx         INTEGER PRIMARY KEY,
  entry       BLOB NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('statement', 'device-event', 'heartbeat')),
  owner       INTEGER NOT NULL,           -- whose key sealed the bytes: owners.id
  device      INTEGER,                    -- devices.id; null on heartbeats
  provider    TEXT,
  boot        INTEGER,
  seq         INTEGER,
  received_at INTEGER NOT NULL,           -- ms
  flags       TEXT NOT NULL,              -- space separated
  sealed      BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entries_by_provider ON entries (provider, idx) WHERE provider IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_of_the_log_itself ON entries (idx) WHERE kind <> 'statement';
CREATE TABLE IF NOT EXISTS tiles (
  level  INTEGER NOT NULL,
  idx    INTEGER NOT NULL,
  root   BLOB NOT NULL,                   -- of the 256 hashes: a hash of level + 1
  hashes BLOB NOT NULL,                   -- 256 x 32 bytes, as served under tile/<level>/<idx>
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (
  size      INTEGER PRIMARY KEY,
  root      BLOB NOT NULL,
  note      TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cosignatures (
  size    INTEGER NOT NULL REFERENCES checkpoints (size),
  witness TEXT NOT NULL,                  -- key name
  time    INTEGER NOT NULL,               -- s, by the witness's clock
  line    TEXT NOT NULL,                  -- verified; as it stands under the checkpoint
  PRIMARY KEY (witness, size)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cosignatures_by_size ON cosignatures (size);
`;

export interface EntryRow {
  readonly idx: number;
  readonly entry: Uint8Array;
  readonly kind: EntryKind;
  readonly owner: number;
  readonly device: number | null;
  readonly provider: string | null;
  readonly boot: number | null;
  readonly seq: number | null;
  readonly received_at: number;
  readonly flags: string;
  readonly sealed: Uint8Array;
}

/** An entry row with the names that the foreign rows give it. */
export interface NamedEntryRow extends EntryRow {
  readonly urn: string | null;
  readonly patient: string | null;
}

interface CheckpointRow {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  readonly sealed_at: number;
}

const NAMED = `
SELECT e.*, d.urn AS urn, o.name AS patient FROM entries e
LEFT JOIN devices d ON d.id = e.device LEFT JOIN owners o ON o.id = e.owner AND e.device IS NOT NULL`;

/** A checkpoint with the cosignatures it has by now, as it is served. */
const COSIGNED = `
SELECT c.size, c.root, c.sealed_at, c.note || coalesce(
  (SELECT group_concat(s.line, '' ORDER BY s.witness) FROM cosignatures s WHERE s.size = c.size), '') AS note
FROM checkpoints c`;

/** All SQL over the log's tables. Calls made inside a transaction of the same Db belong to it. */
export class LogStore {
  readonly #insertEntry: Query;
  readonly #insertTile: Query;
  readonly #insertCheckpoint: Query;
  readonly #entryHash: Query<[number], Uint8Array>;
  readonly #last: Query<[], number | null>;
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
    this.#insertEntry = db.prepare(
      'INSERT INTO entries (idx, entry, kind, owner, device, provider, boot, seq, received_at, flags, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertTile = db.prepare('INSERT INTO tiles (level, idx, root, hashes) VALUES (?, ?, ?, ?)');
    this.#insertCheckpoint = db.prepare(
      'INSERT INTO checkpoints (size, root, note, sealed_at) VALUES (?, ?, ?, ?)',
    );
    this.#last = db.prepare<[], number | null>('SELECT max(idx) FROM entries').pluck();
    this.#entryHash = db.prepare<[number], Uint8Array>('SELECT entry FROM entries WHERE idx = ?').pluck();
  }

  /** Number of entries: indices are dense, so it is one more than the greatest. */
  size(): number {
    const last = this.#last.get();
    return last == null ? 0 : last + 1;
  }

  insertEntry(row: EntryRow): void {
    const { idx, entry, kind, owner, device, provider, boot, seq, received_at, flags, sealed } = row;
    // By position: binding by name costs a third more.
    this.#insertEntry.run(idx, entry, kind, owner, device, provider, boot, seq, received_at, flags, sealed);
  }

  /** The 32-byte entry at an index. */
  entryHash(idx: number): Uint8Array | undefined {
    return this.#entryHash.get(idx);
  }

  entry(idx: number): NamedEntryRow | undefined {
    return this.#db.prepare<[number], NamedEntryRow>(`${NAMED} WHERE e.idx = ?`).get(idx);
  }

  /** The 32-byte entries with from <= index < to, in order. */
  entryHashes(from: number, to: number): Uint8Array[] {
    const query = this.#db.prepare<[number, number], Uint8Array>(
      'SELECT entry FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx',
    );
    return query.pluck().all(from, to);
  }

  /** Statements with from <= idx < to, of the entries there are: by those that are none, which are few. */
  countStatements(from: number, to: number): number {
    const query = this.#db.prepare<[number, number], number>(
      "SELECT count(*) FROM entries WHERE kind <> 'statement' AND idx >= ? AND idx < ?",
    );
    const end = Math.min(to, this.size());
    return Math.max(0, end - from) - (query.pluck().get(from, end) ?? 0);
  }

  forProvider(provider: string, from: number, limit: number): NamedEntryRow[] {
    const query = this.#db.prepare<[string, number, number], NamedEntryRow>(
      `${NAMED} WHERE e.provider = ? AND e.idx >= ? ORDER BY e.idx LIMIT ?`,
    );
    return query.all(provider, from, limit);
  }

  insertTile(level: number, idx: number, root: Uint8Array, hashes: Uint8Array): void {
    this.#insertTile.run(level, idx, root, hashes);
  }

  tile(level: number, idx: number): Uint8Array | undefined {
    return this.#db
      .prepare<[number, number], Uint8Array>('SELECT hashes FROM tiles WHERE level = ? AND idx = ?')
      .pluck()
      .get(level, idx);
  }

  /** Roots of the full tiles of a level with from <= index < to, in order. */
  tileRoots(level: number, from: number, to: number): Uint8Array[] {
    return this.#db
      .prepare<[number, number, number], Uint8Array>(
        'SELECT root FROM tiles WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx',
      )
      .pluck()
      .all(level, from, to);
  }

  insertCheckpoint(checkpoint: Checkpoint): void {
    this.#insertCheckpoint.run(checkpoint.size, checkpoint.root, checkpoint.note, checkpoint.sealedAt);
  }

  checkpoint(size: number): Checkpoint | undefined {
    return toCheckpoint(this.#db.prepare<[number], CheckpointRow>(`${COSIGNED} WHERE c.size = ?`).get(size));
  }

  newestCheckpoint(): Checkpoint | undefined {
    return toCheckpoint(
      this.#db.prepare<[], CheckpointRow>(`${COSIGNED} ORDER BY c.size DESC LIMIT 1`).get(),
    );
  }

  checkpoints(): Checkpoint[] {
    const rows = this.#db.prepare<[], CheckpointRow>(`${COSIGNED} ORDER BY c.size`).all();
    return rows.map((row) => toCheckpoint(row) as Checkpoint);
  }
}

function toCheckpoint(row: CheckpointRow | undefined): Checkpoint | undefined {
  return row && { size: row.size, root: Uint8Array.from(row.root), note: row.note, sealedAt: row.sealed_at };
}
