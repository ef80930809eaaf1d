/**
 * Stores whose readers must not wait for the disk: what reads is answered on this thread, over its own connection; what writes
 * is the store thread's. A write is committed when its promise resolves, so whoever awaits it reads it afterwards.
 */
import type { AnchorStore, CosignatureStore, DeliveryStore, TimestampStore } from '../ports.ts';
import { SqliteAnchorStore } from '../store/anchors.ts';
import { SqliteCosignatureStore } from '../store/cosignatures.ts';
import type { Db } from '../store/database.ts';
import { SqliteDeliveryStore } from '../store/deliveries.ts';
import { SqliteTimestampStore } from '../store/timestamps.ts';

/** @param db a connection that only reads. */
export function splitAnchors(db: Db, thread: Pick<AnchorStore, 'save'>): AnchorStore {
  const here = new SqliteAnchorStore(db);
  return {
    save: (record) => thread.save(record),
    byTransaction: (hash) => here.byTransaction(hash),
    open: () => here.open(),
    covering: (index) => here.covering(index),
    newest: (state) => here.newest(state),
    list: (limit) => here.list(limit),
    lackingProof: (target, limit) => here.lackingProof(target, limit),
    sizeBefore: (size) => here.sizeBefore(size),
    gasUsed: () => here.gasUsed(),
  };
}

/** @param db a connection that only reads. */
export function splitCosignatures(db: Db, thread: Pick<CosignatureStore, 'keep'>): CosignatureStore {
  const here = new SqliteCosignatureStore(db);
  return {
    keep: (cosignature) => thread.keep(cosignature),
    newest: (witness) => here.newest(witness),
  };
}

/** @param db a connection that only reads. */
export function splitTimestamps(db: Db, thread: Pick<TimestampStore, 'keep'>): TimestampStore {
  const here = new SqliteTimestampStore(db);
  return {
    keep: (timestamp) => thread.keep(timestamp),
    newest: () => here.newest(),
    covering: (index) => here.covering(index),
  };
}

/** @param db a connection that only reads. */
export function splitDeliveries(
  db: Db,
  thread: Omit<DeliveryStore, 'cursor' | 'open' | 'deadLetters'>,
): DeliveryStore {
  const here = new SqliteDeliveryStore(db);
  return {
    cursor: (provider, kind) => here.cursor(provider, kind),
    open: (provider, kind) => here.open(provider, kind),
    deadLetters: (provider) => here.deadLetters(provider),
    begin: (batch) => thread.begin(batch),
    postpone: (id, failure) => thread.postpone(id, failure),
    split: (id, parts) => thread.split(id, parts),
    complete: (id) => thread.complete(id),
    bury: (id, error, at) => thread.bury(id, error, at),
    retry: (id) => thread.retry(id),
  };
}
