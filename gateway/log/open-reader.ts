/** The log for a thread that only reads: the same tables over a connection that cannot write. */
import type { Db } from '../store/database.ts';
import { LogStore } from '../store/log-store.ts';
import { QuarantineStore } from '../store/quarantine-store.ts';
import { RegistryStore } from '../store/registry-store.ts';
import { SequenceIndex } from '../store/sequence-index.ts';
import { SequenceStore } from '../store/sequence-store.ts';
import { EntryBook } from './entries.ts';
import { Keyring } from './keyring.ts';
import { CommittedLog } from './reader.ts';
import { LogTree } from './tree.ts';

export interface ReadableLog {
  readonly reader: CommittedLog;
  readonly registry: RegistryStore;
  readonly sequences: SequenceStore;
  readonly quarantine: QuarantineStore;
}

/** Opened after the writer, which makes the tables and the gateway's own key. */
export function openLogReader(db: Db, masterKey: Uint8Array): ReadableLog {
  const log = new LogStore(db);
  const registry = new RegistryStore(db);
  const tree = new LogTree(log);
  const book = new EntryBook(log, tree, new Keyring(masterKey, registry));
  const index = new SequenceIndex(db);
  return {
    reader: new CommittedLog({ log, registry, index, tree, book }),
    registry,
    sequences: new SequenceStore(db),
    // It only counts and lists here: the limits are the writer's.
    quarantine: new QuarantineStore(db, { perDevice: 0, total: 0 }),
  };
}
