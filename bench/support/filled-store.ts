/** A store that looks like that of a gateway of so many leaves, made in a minute rather than in days. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { hashNode, sha256 } from '../../gateway/crypto/hash.ts';
import { type Db, openDatabase } from '../../gateway/store/database.ts';
import { LogStore } from '../../gateway/store/log-store.ts';
import { GATEWAY_SCHEMAS } from '../../gateway/store/schemas.ts';

/** Devices that take turns. */
export const DEVICES = 1_000;
const TILE_WIDTH = 256;
/** A sealed spot reading: 160 bytes of statement, nonce and tag. */
const SEALED = new Uint8Array(190);

/** Opens it. What lies in it is on the disk. */
export function openFilledStore(file: string, size: number): Db {
  const db = openDatabase(file, GATEWAY_SCHEMAS);
  db.pragma('synchronous = OFF');
  fill(db, new LogStore(db), size);
  db.pragma('wal_checkpoint(TRUNCATE)');
  syncFile(file);
  db.pragma('synchronous = FULL');
  return db;
}

/** What was filled in unsynced would otherwise be written by the first commits that are measured: gigabytes of it in the large log. */
function syncFile(file: string): void {
  const handle = openSync(file, 'r+');
  fsyncSync(handle);
  closeSync(handle);
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
      for (let at = from; at < Math.min(from + step, size); at++) insertRow(store, at);
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

export function insertRow(store: LogStore, index: number): Uint8Array {
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
