/** Rows as someone would write them who holds the files and some of the keys. */
import { createSigner } from '../../../src/signature.ts';
import { hashEntry } from '../../../src/statement.ts';
import { seal, Vault } from '../../crypto/vault.ts';
import type { Db } from '../../store/database.ts';
import { MASTER_KEY } from './scene.ts';

/** Somebody whose key nobody has enrolled. */
export const FORGER = createSigner('Ed25519', new Uint8Array(32).fill(99));

/** SQL for the row id of a device. */
export const idOf = (urn: string): string => `(SELECT id FROM devices WHERE urn = '${urn}')`;
/** SQL for the rows of a device in another table. */
export const ofDevice = (urn: string): string => `device = ${idOf(urn)}`;

/** What a forged entry claims. The rest of its row is made to fit. */
export interface Forged {
  readonly kind: 'statement' | 'device-event' | 'heartbeat';
  readonly bytes: Uint8Array;
  /** URN of the device; absent on heartbeats. */
  readonly device?: string;
  readonly boot?: number;
  readonly seq?: number;
}

/** Data key of an owner. */
export function keyOf(db: Db, owner: number): Uint8Array {
  const row = db
    .prepare<[number], { name: string; wrapped: Uint8Array }>('SELECT name, wrapped FROM owners WHERE id = ?')
    .get(owner);
  if (row === undefined) throw new Error(`no owner ${owner}`);
  return new Vault(MASTER_KEY).unwrapKey(row.wrapped, row.name);
}

/** Puts other bytes into an entry, sealed as the gateway would seal them; the hash of the entry stays. */
export function replaceBytes(db: Db, index: number, bytes: Uint8Array): void {
  const owner =
    db.prepare<[number], number>('SELECT owner FROM entries WHERE idx = ?').pluck().get(index) ?? 0;
  const sealed = seal(keyOf(db, owner), bytes, Buffer.from(`entry ${index}`));
  db.prepare('UPDATE entries SET sealed = ? WHERE idx = ?').run(sealed, index);
}

/** Appends an entry behind the last one, its device's counts included, and gives its index. */
export function appendForged(db: Db, forged: Forged): number {
  const device = db
    .prepare<[string], { id: number; owner: number; provider: string }>('SELECT * FROM devices WHERE urn = ?')
    .get(forged.device ?? '');
  const gateway = db.prepare<[], number>("SELECT id FROM owners WHERE name = ''").pluck().get() ?? 0;
  const owner = device?.owner ?? gateway;
  const index = (db.prepare<[], number>('SELECT max(idx) FROM entries').pluck().get() ?? 0) + 1;
  const entry = hashEntry(forged.bytes);
  const sealed = seal(keyOf(db, owner), forged.bytes, Buffer.from(`entry ${index}`));
  const { boot = null, seq = null, kind } = forged;
  db.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?)").run(
    index,
    entry,
    kind,
    owner,
    device?.id ?? null,
    device?.provider ?? null,
    boot,
    seq,
    sealed,
  );
  if (seq !== null && device !== undefined)
    change(
      db,
      'UPDATE devices SET statements = statements + 1, received = received + 1 WHERE id = ?',
      device.id,
    );
  return index;
}

/** The index by (device, boot, seq) as it is once every statement is merged, or those below `cursor`. */
export function mergeIndex(db: Db, cursor?: number): void {
  const size = (db.prepare<[], number>('SELECT max(idx) FROM entries').pluck().get() ?? -1) + 1;
  db.prepare(
    `INSERT INTO sequence_index SELECT device, boot, seq, idx FROM entries WHERE seq IS NOT NULL AND idx < ?`,
  ).run(cursor ?? size);
  db.prepare('INSERT INTO sequence_index_cursor VALUES (1, ?)').run(cursor ?? size);
}

/** A byte of a column turned over. */
export function flip(db: Db, table: string, column: string, where: string): void {
  const row = db
    .prepare<[], { value: Buffer }>(`SELECT ${column} AS value FROM ${table} WHERE ${where}`)
    .get();
  if (row === undefined) throw new Error(`nothing to damage in ${table} where ${where}`);
  const value = Buffer.from(row.value);
  value[value.length >> 1] = (value[value.length >> 1] ?? 0) ^ 1;
  change(db, `UPDATE ${table} SET ${column} = ? WHERE ${where}`, value);
}

/** Runs a statement that must change exactly one row, so that no test damages nothing. */
export function change(db: Db, sql: string, ...values: readonly unknown[]): void {
  const { changes } = db.prepare<unknown[]>(sql).run(...values);
  if (changes !== 1) throw new Error(`${changes} rows changed: ${sql}`);
}
