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
import { LogTree } from '../gateway/log/tree.ts';
import type { Db } from '../gateway/store/database.ts';
import { LogStore } from '../gateway/store/log-store.ts';
import { SequenceIndex } from '../gateway/store/sequence-index.ts';
import type { Figure } from './report.ts';
import { DEVICES, insertRow, openFilledStore } from './support/filled-store.ts';
import { median } from './support/statistics.ts';

const SMALL = 10_000;
const LARGE = 10_000_000;
const ROUNDS = 480;
const BATCH = 512;
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
  const db = openFilledStore(file, size);
  const store = new LogStore(db);
  return { db, store, tree: new LogTree(store), index: new SequenceIndex(db) };
}

/** Milliseconds for one durable batch, and of these for the Merkle tree with its tiles. */
function timeBatch({ db, store, tree, index }: Log): { readonly all: number; readonly tree: number } {
  const started = performance.now();
  let inTree = 0;
  db.transaction(() => {
    const entries = Array.from({ length: BATCH }, (_, at) => insertRow(store, tree.size + at));
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
