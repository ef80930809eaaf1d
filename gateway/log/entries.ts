/** From bytes to a row of the log and back: hash, seal, place; open and name. */
import type { Flag } from '../../src/verdict.ts';
import { open, seal } from '../crypto/vault.ts';
import { GatewayError } from '../errors.ts';
import type { EntryKind, LogEntry } from '../ports.ts';
import type { LogStore, NamedEntryRow } from '../store/log-store.ts';
import type { Keyring } from './keyring.ts';
import type { LogTree } from './tree.ts';

export interface NewEntry {
  readonly kind: EntryKind;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly entry: Uint8Array;
  readonly owner: number;
  readonly receivedAt: number;
  readonly device?: number;
  readonly provider?: string;
  readonly boot?: number;
  readonly seq?: number;
  readonly flags?: readonly Flag[];
}

/** What sealing binds an entry's bytes to: its place in the log. */
function placeOf(index: number): Uint8Array {
  return Buffer.from(`entry ${index}`);
}

/** Adds entries to tree and store, within the caller's transaction. */
export class EntryBook {
  readonly #store: LogStore;
  readonly #tree: LogTree;
  readonly #keys: Keyring;

  constructor(store: LogStore, tree: LogTree, keys: Keyring) {
    this.#store = store;
    this.#tree = tree;
    this.#keys = keys;
  }

  /**
   * The data key of an owner. Throws GatewayError once the owner is erased: callers ask before they enter a transaction,
   * because a throw in there undoes everybody's work.
   */
  requireKey(owner: number): Uint8Array {
    const key = this.#keys.keyOf(owner);
    if (key !== undefined) return key;
    throw new GatewayError(
      'key-unreadable',
      'the patient of this device has been erased; enrol the device for another patient',
    );
  }

  /** Appends one leaf and returns its index. */
  append(fresh: NewEntry): number {
    const index = this.#tree.size;
    const key = this.requireKey(fresh.owner);
    this.#store.insertEntry({
      idx: index,
      entry: fresh.entry,
      kind: fresh.kind,
      owner: fresh.owner,
      device: fresh.device ?? null,
      provider: fresh.provider ?? null,
      boot: fresh.boot ?? null,
      seq: fresh.seq ?? null,
      received_at: fresh.receivedAt,
      flags: (fresh.flags ?? []).join(' '),
      sealed: seal(key, fresh.bytes, placeOf(index)),
    });
    this.#tree.append(fresh.entry);
    return index;
  }

  /** The statement's bytes; undefined once the owner's key is erased. Throws store-corrupt when they do not open. */
  bytesOf(row: NamedEntryRow): Uint8Array | undefined {
    const key = this.#keys.keyOf(row.owner);
    if (key === undefined) return undefined;
    const bytes = open(key, row.sealed, placeOf(row.idx));
    if (bytes === undefined) {
      throw new GatewayError(
        'store-corrupt',
        `entry ${row.idx} does not open under its patient's key; run vitalseal fsck`,
      );
    }
    return bytes;
  }

  toEntry(row: NamedEntryRow): LogEntry {
    const bytes = this.bytesOf(row);
    return {
      index: row.idx,
      entry: Uint8Array.from(row.entry),
      kind: row.kind,
      receivedAt: row.received_at,
      flags: row.flags === '' ? [] : (row.flags.split(' ') as Flag[]),
      ...(row.urn === null ? {} : { device: row.urn }),
      ...(row.patient === null ? {} : { patient: row.patient }),
      ...(row.provider === null ? {} : { provider: row.provider }),
      ...(row.boot === null ? {} : { boot: row.boot }),
      ...(row.seq === null ? {} : { seq: row.seq }),
      ...(bytes === undefined ? {} : { bytes }),
    };
  }
}
