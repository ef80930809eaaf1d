/** Rows of the anchorer: one for each transaction it ever signed. Age is row order: clocks jump. */
import type { Statement as Query } from 'better-sqlite3';
import { decodeCbor, encodeCbor } from '../../src/cbor.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { eventProofFromCbor, eventProofToCbor } from '../../src/receipt/event-proof.ts';
import type { AnchorRecord, AnchorSetback, AnchorStore, AnchorTarget } from '../ports.ts';
import { type Db, storeError } from './database.ts';

export const ANCHORS_SCHEMA = `
CREATE TABLE IF NOT EXISTS anchors (
  tx_hash          BLOB PRIMARY KEY,
  size             INTEGER NOT NULL,
  root             BLOB NOT NULL,
  chain_id         TEXT NOT NULL,        -- decimal, as every quantity of the chain but gas
  contract         BLOB NOT NULL,
  log_id           BLOB NOT NULL,
  sender           BLOB NOT NULL,
  nonce            INTEGER NOT NULL,
  max_fee          TEXT NOT NULL,        -- wei for each unit of gas
  max_priority_fee TEXT NOT NULL,
  raw              BLOB,                 -- the signed transaction; null once the row is final or lost
  submitted_at     INTEGER NOT NULL,     -- ms
  submitted_block  TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('submitted', 'anchored', 'final', 'lost')),
  setback          TEXT CHECK (setback IN ('replaced', 'reorganised', 'reverted', 'other-target')),
  block_number     TEXT,                 -- the block columns are all null or all set
  block_hash       BLOB,
  block_time       INTEGER,              -- s
  gas_used         INTEGER,
  gas_price        TEXT,                 -- wei paid for each unit of gas
  final_at         INTEGER,              -- ms; null until it is final
  event_proof      BLOB,                 -- CBOR, as in the anchor of a receipt; null until the node has given it
  CHECK ((block_number IS NULL) = (block_hash IS NULL) AND (block_hash IS NULL) = (block_time IS NULL)),
  CHECK (state NOT IN ('anchored', 'final') OR block_hash IS NOT NULL),
  CHECK (event_proof IS NULL OR block_hash IS NOT NULL)
) STRICT;
CREATE INDEX IF NOT EXISTS anchors_by_state ON anchors (state, size);
CREATE INDEX IF NOT EXISTS anchors_lacking_proof ON anchors (size)
  WHERE state IN ('anchored', 'final') AND event_proof IS NULL;
`;

interface AnchorRow {
  readonly tx_hash: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly chain_id: string;
  readonly contract: Uint8Array;
  readonly log_id: Uint8Array;
  readonly sender: Uint8Array;
  readonly nonce: number;
  readonly max_fee: string;
  readonly max_priority_fee: string;
  readonly raw: Uint8Array | null;
  readonly submitted_at: number;
  readonly submitted_block: string;
  readonly state: AnchorRecord['state'];
  readonly setback: AnchorSetback | null;
  readonly block_number: string | null;
  readonly block_hash: Uint8Array | null;
  readonly block_time: number | null;
  readonly gas_used: number | null;
  readonly gas_price: string | null;
  readonly final_at: number | null;
  readonly event_proof: Uint8Array | null;
}

/** A record may change in what becomes of it, never in what it is: only these columns are ever overwritten. */
const SAVE = `
INSERT INTO anchors VALUES (@tx_hash, @size, @root, @chain_id, @contract, @log_id, @sender, @nonce, @max_fee,
  @max_priority_fee, @raw, @submitted_at, @submitted_block, @state, @setback, @block_number, @block_hash, @block_time,
  @gas_used, @gas_price, @final_at, @event_proof)
ON CONFLICT (tx_hash) DO UPDATE SET raw = excluded.raw, state = excluded.state, setback = excluded.setback,
  block_number = excluded.block_number, block_hash = excluded.block_hash, block_time = excluded.block_time,
  gas_used = excluded.gas_used, gas_price = excluded.gas_price, final_at = excluded.final_at,
  event_proof = excluded.event_proof`;

/** See AnchorStore in ports.ts. Failures of SQLite become GatewayErrors that say what to do. */
export class SqliteAnchorStore implements AnchorStore {
  readonly #db: Db;
  readonly #save: Query<[AnchorRow]>;

  /** `db` has been opened with ANCHORS_SCHEMA. */
  constructor(db: Db) {
    this.#db = db;
    this.#save = db.prepare<[AnchorRow]>(SAVE);
  }

  async save(record: AnchorRecord): Promise<void> {
    this.#guard('cannot save an anchor', () => this.#save.run(toRow(record)));
  }

  async byTransaction(hash: Uint8Array): Promise<AnchorRecord | undefined> {
    return this.#one('WHERE tx_hash = ?', hash);
  }

  async open(): Promise<AnchorRecord[]> {
    return this.#many("WHERE state IN ('submitted', 'anchored') ORDER BY rowid");
  }

  async covering(index: number): Promise<AnchorRecord | undefined> {
    return this.#one(
      "WHERE state IN ('final', 'anchored') AND size > ? ORDER BY state = 'final' DESC, size LIMIT 1",
      index,
    );
  }

  async newest(state: 'submitted' | 'anchored' | 'final'): Promise<AnchorRecord | undefined> {
    return this.#one('WHERE state = ? ORDER BY size DESC, rowid DESC LIMIT 1', state);
  }

  async list(limit: number): Promise<AnchorRecord[]> {
    return this.#many('ORDER BY rowid DESC LIMIT ?', limit);
  }

  async lackingProof(target: AnchorTarget, limit: number): Promise<AnchorRecord[]> {
    return this.#many(
      `WHERE state IN ('anchored', 'final') AND event_proof IS NULL AND chain_id = ? AND contract = ? AND log_id = ?
       ORDER BY size DESC LIMIT ?`,
      ...[String(target.chainId), target.contract, target.logId, limit],
    );
  }

  async sizeBefore(size: number): Promise<number> {
    const greatest =
      "SELECT coalesce(max(size), 0) FROM anchors WHERE state IN ('anchored', 'final') AND size < ?";
    return this.#guard('cannot read the anchors', () => {
      return this.#db.prepare<[number], number>(greatest).pluck().get(size) ?? 0;
    });
  }

  async gasUsed(): Promise<bigint> {
    const sum = 'SELECT coalesce(sum(gas_used), 0) FROM anchors';
    return this.#guard('cannot read the anchors', () => {
      return this.#db.prepare<[], bigint>(sum).safeIntegers().pluck().get() ?? 0n;
    });
  }

  #one(where: string, ...args: readonly unknown[]): AnchorRecord | undefined {
    return this.#many(where, ...args)[0];
  }

  #many(where: string, ...args: readonly unknown[]): AnchorRecord[] {
    return this.#guard('cannot read the anchors', () => {
      return this.#db
        .prepare<unknown[], AnchorRow>(`SELECT * FROM anchors ${where}`)
        .all(...args)
        .map(toRecord);
    });
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storeError(cause, what);
    }
  }
}

function toRow(record: AnchorRecord): AnchorRow {
  const { target, anchor } = record;
  return {
    tx_hash: record.transactionHash,
    size: record.size,
    root: record.root,
    chain_id: String(target.chainId),
    contract: target.contract,
    log_id: target.logId,
    sender: record.sender,
    nonce: record.nonce,
    max_fee: String(record.fee.maxFeePerGas),
    max_priority_fee: String(record.fee.maxPriorityFeePerGas),
    raw: record.rawTransaction ?? null,
    submitted_at: record.submittedAt,
    submitted_block: String(record.submittedBlock),
    state: record.state,
    setback: record.setback ?? null,
    block_number: anchor === undefined ? null : String(anchor.blockNumber),
    block_hash: anchor?.blockHash ?? null,
    block_time: anchor?.blockTime ?? null,
    gas_used: record.gasUsed === undefined ? null : Number(record.gasUsed),
    gas_price: record.gasPrice === undefined ? null : String(record.gasPrice),
    final_at: record.finalAt ?? null,
    event_proof: anchor?.eventProof === undefined ? null : encodeCbor(eventProofToCbor(anchor.eventProof)),
  };
}

function toRecord(row: AnchorRow): AnchorRecord {
  const anchor = toAnchor(row);
  return {
    size: row.size,
    root: Uint8Array.from(row.root),
    target: {
      chainId: BigInt(row.chain_id),
      contract: Uint8Array.from(row.contract),
      logId: Uint8Array.from(row.log_id),
    },
    transactionHash: Uint8Array.from(row.tx_hash),
    sender: Uint8Array.from(row.sender),
    nonce: row.nonce,
    fee: { maxFeePerGas: BigInt(row.max_fee), maxPriorityFeePerGas: BigInt(row.max_priority_fee) },
    ...(row.raw === null ? {} : { rawTransaction: Uint8Array.from(row.raw) }),
    submittedAt: row.submitted_at,
    submittedBlock: BigInt(row.submitted_block),
    state: row.state,
    ...(row.setback === null ? {} : { setback: row.setback }),
    ...(anchor === undefined ? {} : { anchor }),
    ...(row.gas_used === null ? {} : { gasUsed: BigInt(row.gas_used) }),
    ...(row.gas_price === null ? {} : { gasPrice: BigInt(row.gas_price) }),
    ...(row.final_at === null ? {} : { finalAt: row.final_at }),
  };
}

function toAnchor(row: AnchorRow): Anchor | undefined {
  if (row.block_number === null || row.block_hash === null || row.block_time === null) return undefined;
  return {
    chainId: BigInt(row.chain_id),
    contract: Uint8Array.from(row.contract),
    logId: Uint8Array.from(row.log_id),
    size: row.size,
    root: Uint8Array.from(row.root),
    transactionHash: Uint8Array.from(row.tx_hash),
    blockNumber: BigInt(row.block_number),
    blockHash: Uint8Array.from(row.block_hash),
    blockTime: row.block_time,
    ...(row.event_proof === null ? {} : toEventProof(row.event_proof)),
  };
}

/** One that cannot be read is left out: receipts do without it, and fsck finds it. */
function toEventProof(bytes: Uint8Array): Pick<Anchor, 'eventProof'> {
  try {
    const proof = eventProofFromCbor(decodeCbor(bytes));
    return proof.kind === 'ok' ? { eventProof: proof.value } : {};
  } catch {
    return {};
  }
}
