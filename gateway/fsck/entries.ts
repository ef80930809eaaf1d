/** The one pass over all entries: each leaf, the tree above it, and the registry's history on the way. */
import type { EntryRow } from '../store/log-store.ts';
import { CheckpointWalk } from './checkpoint-walk.ts';
import type { FsckContext } from './context.ts';
import { DeviceHistory } from './device-history.ts';
import { type DeviceColumns, EntryCheck } from './entry-check.ts';
import { TreeWalk } from './tree-walk.ts';

export interface EntriesResult {
  readonly history: DeviceHistory;
  /** The recomputed root at the size that was asked for; undefined when the log does not reach it. */
  readonly rootAsked: Uint8Array | undefined;
}

/** Checks entries, tiles and checkpoints. `askedSize`: a size whose root the caller needs. */
export async function checkEntries(
  context: FsckContext,
  askedSize: number | undefined,
): Promise<EntriesResult> {
  const { db, pace, size } = context;
  const history = new DeviceHistory();
  const tree = new TreeWalk(context);
  const checkpoints = new CheckpointWalk(context, tree);
  const check = new EntryCheck({ context, history, devices: deviceColumns(context) });
  let rootAsked: Uint8Array | undefined;
  const grow = (candidates: readonly Uint8Array[]): void => {
    const before = tree.size;
    tree.append(candidates);
    if (tree.size === before) return;
    checkpoints.reached();
    if (tree.size === askedSize) rootAsked = tree.root();
  };
  try {
    pace.begin('entries', size);
    checkpoints.reached();
    let next = 0;
    for (const row of db.prepare<[], EntryRow>('SELECT * FROM entries ORDER BY idx').iterate()) {
      if (row.idx > next) reportMissing(context, next, row.idx - 1);
      // A missing leaf may still be known from its tile; without one the tree ends here.
      for (; next < row.idx && !tree.lost; next++) grow([]);
      next = row.idx + 1;
      grow(check.check(row));
      await pace.step();
    }
    checkpoints.finish();
    tree.finish();
  } finally {
    checkpoints.close();
  }
  return { history, rootAsked };
}

function reportMissing({ findings }: FsckContext, from: number, to: number): void {
  const which = from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
  findings.add('entry-missing', `${which} not stored, although later ones are`);
}

function deviceColumns({ db }: FsckContext): Map<number, DeviceColumns> {
  const devices = new Map<number, DeviceColumns>();
  const rows = db
    .prepare<[], DeviceColumns & { id: number }>('SELECT id, urn, owner, provider FROM devices')
    .iterate();
  for (const { id, ...columns } of rows) devices.set(id, columns);
  return devices;
}
