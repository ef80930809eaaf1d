/** The inbox's SQL, and its rows turned into what the rest of the provider works with. */
import type { DeliveredEntry } from '../src/delivery.ts';
import type { Db } from './database.ts';
import type { ProofState, StoredEntry, StoredRefusal } from './inbox.ts';
import type { RefusalCode } from './judge.ts';

interface CommonRow {
  readonly entry: Uint8Array;
  readonly log_index: number;
  readonly device: string | null;
  readonly patient: string | null;
  readonly flags: string;
  readonly received_at: number;
  readonly stored_at: number;
  readonly bytes: Uint8Array;
}

interface StoredRow extends CommonRow {
  readonly position: number;
  readonly kind: DeliveredEntry['kind'];
  readonly device: string;
  readonly boot: number | null;
  readonly seq: number | null;
  readonly proven_by: number | null;
  readonly anchor_state: 'claimed' | 'anchored' | 'contradicted' | null;
}

interface RefusedRow extends CommonRow {
  readonly id: number;
  readonly kind: StoredRefusal['kind'];
  readonly code: string;
  readonly detail: string;
  readonly batch: string;
}

/** A proof counts only for the entry at the index it names. */
const STORED = `
  SELECT e.*, p.size AS proven_by, c.state AS anchor_state FROM entries e
  LEFT JOIN proofs p ON p.entry = e.entry AND p.log_index = e.log_index
  LEFT JOIN checkpoints c ON c.size = p.size`;

/** Prepares every statement of the inbox. */
export function prepareInbox(db: Db) {
  return {
    events: db.prepare<[string], { log_index: number; bytes: Uint8Array }>(
      `SELECT log_index, bytes FROM entries WHERE device = ? AND kind = 'device-event' ORDER BY log_index`,
    ),
    healable: db.prepare<[string, string], RefusedRow>(
      `SELECT * FROM refused WHERE device = ? AND kind = 'statement'
       AND code IN (SELECT value FROM json_each(?)) ORDER BY log_index`,
    ),
    find: db.prepare<[Uint8Array], StoredRow>(`${STORED} WHERE e.entry = ?`),
    page: db.prepare<[number, number], StoredRow>(
      `${STORED} WHERE e.kind = 'statement' AND e.position > ? ORDER BY e.position LIMIT ?`,
    ),
    atIndex: db.prepare<[number]>('SELECT 1 FROM entries WHERE log_index = ?'),
    atSequence: db.prepare<[string, number | undefined, number | undefined]>(
      `SELECT 1 FROM entries WHERE kind = 'statement' AND device = ? AND boot = ? AND seq = ?`,
    ),
    add: db.prepare<[Record<string, unknown>]>(
      `INSERT INTO entries (entry, log_index, kind, device, boot, seq, patient, flags, received_at, stored_at, batch, bytes)
       VALUES (@entry, @index, @kind, @device, @boot, @seq, @patient, @flags, @receivedAt, @now, @batch, @bytes)`,
    ),
    refuse: db.prepare<[Record<string, unknown>]>(
      `INSERT INTO refused (entry, log_index, kind, device, code, detail, patient, flags, received_at, stored_at, batch, bytes)
       VALUES (@entry, @index, @kind, @device, @code, @detail, @patient, @flags, @receivedAt, @now, @batch, @bytes)
       ON CONFLICT DO NOTHING`,
    ),
    unrefuse: db.prepare<[Uint8Array, number]>('DELETE FROM refused WHERE entry = ? AND log_index = ?'),
    erase: db.prepare<[number, number]>('INSERT OR IGNORE INTO erased (log_index, noted_at) VALUES (?, ?)'),
    checkpoint: db.prepare<[number], { root: Uint8Array }>('SELECT root FROM checkpoints WHERE size = ?'),
    addCheckpoint: db.prepare<[number, Uint8Array, string, Uint8Array]>(
      // A new anchor may replace one the chain did not confirm, never one it did.
      `INSERT INTO checkpoints (size, root, note, anchor) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET anchor = excluded.anchor, state = 'claimed' WHERE state = 'contradicted'`,
    ),
    addProof: db.prepare<[Uint8Array, number, number]>(
      `INSERT INTO proofs (entry, log_index, size) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET size = excluded.size
       WHERE (SELECT state FROM checkpoints WHERE checkpoints.size = proofs.size) = 'contradicted'`,
    ),
    claimed: db.prepare<[], { size: number; anchor: Uint8Array }>(
      `SELECT size, anchor FROM checkpoints WHERE state = 'claimed' ORDER BY size`,
    ),
    settle: db.prepare<[string, number]>('UPDATE checkpoints SET state = ? WHERE size = ?'),
    refusals: db.prepare<[number], RefusedRow>('SELECT * FROM refused ORDER BY id DESC LIMIT ?'),
    counts: db.prepare<[]>(
      `SELECT (SELECT count(*) FROM entries WHERE kind = 'statement') AS statements,
              (SELECT count(*) FROM refused) AS refused,
              (SELECT count(*) FROM entries e JOIN proofs p ON p.entry = e.entry AND p.log_index = e.log_index
               WHERE e.kind = 'statement') AS proven,
              (SELECT count(*) FROM erased) AS erased`,
    ),
  };
}

export function toStored(row: StoredRow): StoredEntry {
  return {
    position: row.position,
    index: row.log_index,
    entry: new Uint8Array(row.entry),
    kind: row.kind,
    device: row.device,
    ...(row.boot === null ? {} : { boot: row.boot }),
    ...(row.seq === null ? {} : { seq: row.seq }),
    ...(row.patient === null ? {} : { patient: row.patient }),
    flags: JSON.parse(row.flags) as string[],
    receivedAt: row.received_at,
    storedAt: row.stored_at,
    bytes: new Uint8Array(row.bytes),
    proof: toProofState(row.anchor_state),
    ...(row.proven_by === null ? {} : { provenBy: row.proven_by }),
  };
}

export function toRefused(row: RefusedRow): StoredRefusal {
  return {
    id: row.id,
    kind: row.kind,
    ...(row.log_index < 0 ? {} : { index: row.log_index }),
    entry: new Uint8Array(row.entry),
    ...(row.device === null ? {} : { device: row.device }),
    ...(row.patient === null ? {} : { patient: row.patient }),
    code: row.code as RefusalCode,
    detail: row.detail,
    flags: JSON.parse(row.flags) as string[],
    receivedAt: row.received_at,
    storedAt: row.stored_at,
    batch: row.batch,
    bytes: new Uint8Array(row.bytes),
  };
}

/** A refused statement as it was delivered, to be judged again. */
export function toDelivered(row: RefusedRow): DeliveredEntry {
  return {
    index: row.log_index,
    receivedAt: row.received_at,
    flags: JSON.parse(row.flags) as string[],
    ...(row.patient === null ? {} : { patient: row.patient }),
    kind: 'statement',
    bytes: new Uint8Array(row.bytes),
  };
}

function toProofState(state: StoredRow['anchor_state']): ProofState {
  if (state === null) return 'unproven';
  return state === 'claimed' ? 'included' : state;
}
