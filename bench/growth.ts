/**
 * What one append costs in a log of ten million leaves, over what it costs in one of ten thousand: for the Merkle tree with its
 * tiles, and for everything that is written.
 *
 * Two stores are made with real rows (entries, full tiles, the index by device and number), then the same batches are appended to
 * both in turn, each batch one durable transaction through the log's own tree, store and index, of a thousand devices taking turns.
 * There are enough rounds for the index to be merged several times over. The figure is the ratio of the sums, so that no merge is
 * left out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashNode, sha256 } from '../gateway/crypto/hash.ts';
import { LogTree } from '../gateway/log/tree.ts';
import { type Db, openDatabase } from '../gateway/store/database.ts';
import { LOG_SCHEMA, LogStore } from '../gateway/store/log-store.ts';
import { REGISTRY_SCHEMA } from '../gateway/store/registry-schema.ts';
import { SEQUENCE_INDEX_SCHEMA, SequenceIndex } from '../gateway/store/sequence-index.ts';
import type { Figure } from './report.ts';

const SMALL = 10_000;
const LARGE = 10_000_000;
const ROUNDS = 160;
const BATCH = 512;
const DEVICES = 1_000;
const TILE_WIDTH = 256;
/** A sealed spot reading: 160 bytes of statement, nonce and tag. */
const SEALED = new Uint8Array(190);
const TARGET = 1.1;

interface Log {
  readonly db: Db;
  readonly store: LogStore;
  readonly tree: LogTree;
  readonly index: SequenceIndex;
}

export async function measureGrowth(say: (line: string) => void): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'));
  try {
    const small = build(join(folder, 'small.db'), SMALL);
    say(`growth: filling a log with ${LARGE} leaves`);
    const large = build(join(folder, 'large.db'), LARGE);
    say(`growth: ${ROUNDS} batches of ${BATCH} appends to each in turn`);
    const rounds = Array.from({ length: ROUNDS }, () => {
      const [base, grown] = [timeBatch(small), timeBatch(large)];
      return { base, grown };
    });
    const proofs = Array.from({ length: ROUNDS }, (_, at) => timeProof(large, at));
    small.db.close();
    large.db.close();
    return [
      { name: 'tree-growth', value: growth(rounds, 'tree'), unit: 'ratio', target: TARGET },
      { name: 'growth', value: growth(rounds, 'all'), unit: 'ratio', target: TARGET },
      { name: 'inclusion-proof', value: median(proofs), unit: 'ms', target: 1 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(file: string, size: number): Log {
  const db = openDatabase(file, [REGISTRY_SCHEMA, LOG_SCHEMA, SEQUENCE_INDEX_SCHEMA]);
  db.pragma('synchronous = OFF');
  const store = new LogStore(db);
  fill(db, store, size);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma('synchronous = FULL');
  return { db, store, tree: new LogTree(store), index: new SequenceIndex(db) };
}

/** Rows as the log writes them. The hashes are made up, but each tile's root is that of its hashes. */
function fill(db: Db, store: LogStore, size: number): void {
  const hashes = Buffer.concat(
    Array.from({ length: TILE_WIDTH }, (_, at) => sha256(Buffer.from(`leaf ${at}`))),
  );
  const root = rootOf(hashes);
  const step = 100_000;
  for (let from = 0; from < size; from += step) {
    db.transaction(() => {
      for (let at = from; at < Math.min(from + step, size); at++) insert(store, at);
    })();
  }
  db.transaction(() => {
    db.exec(
      'INSERT INTO sequence_index SELECT device, boot, seq, idx FROM entries ORDER BY device, boot, seq',
    );
    db.prepare('INSERT INTO sequence_index_cursor VALUES (1, ?)').run(size);
  })();
  db.transaction(() => {
    for (
      let level = 0, width = Math.floor(size / TILE_WIDTH);
      width > 0;
      level++, width = Math.floor(width / TILE_WIDTH)
    ) {
      for (let at = 0; at < width; at++) store.insertTile(level, at, root, hashes);
    }
  })();
}

function insert(store: LogStore, index: number): Uint8Array {
  const entry = sha256(Buffer.from(`entry ${index}`));
  store.insertEntry({
    idx: index,
    entry,
    kind: 'statement',
    owner: 1,
    device: index % DEVICES,
    provider: 'clinic',
    boot: 0,
    seq: Math.floor(index / DEVICES),
    received_at: 0,
    flags: '',
    sealed: SEALED,
  });
  return entry;
}

function rootOf(hashes: Uint8Array): Uint8Array {
  let level = Array.from({ length: TILE_WIDTH }, (_, at) => hashes.subarray(at * 32, at * 32 + 32));
  while (level.length > 1) {
    const pairs = level;
    level = Array.from({ length: pairs.length / 2 }, (_, at) =>
      hashNode(pairs[2 * at] as Uint8Array, pairs[2 * at + 1] as Uint8Array),
    );
  }
  return level[0] as Uint8Array;
}

/** Milliseconds for one durable batch, and of these for the Merkle tree with its tiles. */
function timeBatch({ db, store, tree, index }: Log): { readonly all: number; readonly tree: number } {
  const started = performance.now();
  let inTree = 0;
  db.transaction(() => {
    const entries = Array.from({ length: BATCH }, (_, at) => insert(store, tree.size + at));
    const from = performance.now();
    for (const entry of entries) tree.append(entry);
    inTree = performance.now() - from;
    for (let at = tree.size - BATCH; at < tree.size; at++)
      index.note(at % DEVICES, 0, Math.floor(at / DEVICES), at);
    index.mergeSome(BATCH);
  }).immediate();
  return { all: performance.now() - started, tree: inTree };
}

/** Milliseconds for the inclusion proof of a leaf far from those asked for before. */
function timeProof({ tree }: Log, round: number): number {
  const index = (round * 7_919_993) % LARGE;
  const started = performance.now();
  tree.inclusionProof(index, tree.size);
  return performance.now() - started;
}

interface Round {
  readonly base: { readonly all: number; readonly tree: number };
  readonly grown: { readonly all: number; readonly tree: number };
}

/** Time in the long log over time in the short one. */
function growth(rounds: readonly Round[], part: 'all' | 'tree'): number {
  const sum = (which: 'base' | 'grown') => rounds.reduce((total, round) => total + round[which][part], 0);
  return sum('grown') / sum('base');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
