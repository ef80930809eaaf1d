/**
 * Who may send: owners (patients) with their wrapped keys, devices and device keys. A row changes only in the
 * transaction that logs the device event behind the change; requests wait in `registry_requests` until then.
 */
import type { PublicKey } from '../../src/cose/key.ts';
import { decodeCoseKey, encodeCoseKey, keyId } from '../../src/cose/key.ts';
import { GatewayError } from '../errors.ts';
import type { DeviceStatus, DeviceSummary } from '../ports.ts';
import { type Db, storeError } from './database.ts';

export const REGISTRY_SCHEMA = `
CREATE TABLE IF NOT EXISTS owners (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,           -- the patient's pseudonym; '' is the gateway itself
  wrapped BLOB                            -- data key under the master key; null once erased
) STRICT;
CREATE TABLE IF NOT EXISTS devices (
  id          INTEGER PRIMARY KEY,
  urn         TEXT NOT NULL UNIQUE,
  owner       INTEGER NOT NULL REFERENCES owners (id),
  provider    TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
  status_at   INTEGER NOT NULL,           -- since when
  enrolled_at INTEGER NOT NULL,
  last_seen   INTEGER,
  statements  INTEGER NOT NULL DEFAULT 0  -- in the log; counted here, because counting them there takes as long as they are many
) STRICT;
CREATE TABLE IF NOT EXISTS device_keys (
  device     INTEGER NOT NULL REFERENCES devices (id),
  kid        BLOB NOT NULL,               -- 8 bytes
  cose_key   BLOB NOT NULL,
  added_at   INTEGER NOT NULL,
  retired_at INTEGER,
  PRIMARY KEY (device, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS registry_requests (
  id         INTEGER PRIMARY KEY,
  request    TEXT NOT NULL,               -- JSON, gateway/log/device-events.ts
  outcome    TEXT                         -- null while waiting; '' when done; otherwise why it was refused
) STRICT;
`;

export interface DeviceRow {
  readonly id: number;
  readonly urn: string;
  readonly owner: number;
  readonly provider: string;
  readonly status: DeviceStatus;
  readonly status_at: number;
  readonly enrolled_at: number;
  readonly last_seen: number | null;
}

export interface DeviceKeyRow {
  readonly kid: Uint8Array;
  readonly key: PublicKey;
  readonly addedAt: number;
  readonly retiredAt: number | undefined;
}

/** What the log must know of a device to take a statement of it. */
export interface DeviceStanding extends DeviceRow {
  readonly keys: readonly { readonly kid: Uint8Array; readonly retiredAt: number | undefined }[];
}

interface RawKeyRow {
  readonly kid: Uint8Array;
  readonly cose_key: Uint8Array;
  readonly added_at: number;
  readonly retired_at: number | null;
}

/** `total`, not `sum`: a device that skips to the greatest number in every boot would overflow an integer. */
const SUMMARY = `
SELECT d.urn AS device, o.name AS patient, d.provider, d.status, d.enrolled_at AS enrolledAt, d.last_seen AS lastSeen, d.statements,
  (SELECT total(g.last - g.first + 1) FROM gaps g WHERE g.device = d.id) AS missing
FROM devices d JOIN owners o ON o.id = d.owner`;

/** All SQL over the registry's tables. */
export class RegistryStore {
  readonly #db: Db;
  readonly #standing;
  readonly #keyTimes;
  readonly #countStatements;
  /** Called within the transaction that changed what a device may do. */
  onChange: (device: number) => void = () => undefined;

  constructor(db: Db) {
    this.#db = db;
    this.#countStatements = db.prepare(
      'UPDATE devices SET last_seen = max(?, coalesce(last_seen, 0)), statements = statements + ? WHERE id = ?',
    );
    this.#standing = db.prepare<[number], DeviceRow>('SELECT * FROM devices WHERE id = ?');
    this.#keyTimes = db.prepare<[number], { kid: Uint8Array; retired_at: number | null }>(
      'SELECT kid, retired_at FROM device_keys WHERE device = ?',
    );
  }

  owner(name: string): { id: number; wrapped: Uint8Array | null } | undefined {
    return this.#db
      .prepare<[string], { id: number; wrapped: Uint8Array | null }>(
        'SELECT id, wrapped FROM owners WHERE name = ?',
      )
      .get(name);
  }

  ownerById(id: number): { name: string; wrapped: Uint8Array | null } | undefined {
    return this.#db
      .prepare<[number], { name: string; wrapped: Uint8Array | null }>(
        'SELECT name, wrapped FROM owners WHERE id = ?',
      )
      .get(id);
  }

  addOwner(name: string, wrapped: Uint8Array): number {
    return Number(
      this.#db.prepare('INSERT INTO owners (name, wrapped) VALUES (?, ?)').run(name, wrapped).lastInsertRowid,
    );
  }

  device(urn: string): DeviceRow | undefined {
    return this.#db.prepare<[string], DeviceRow>('SELECT * FROM devices WHERE urn = ?').get(urn);
  }

  addDevice(urn: string, owner: number, provider: string, enrolledAt: number): number {
    const insert = this.#db.prepare(
      "INSERT INTO devices (urn, owner, provider, status, status_at, enrolled_at) VALUES (?, ?, ?, 'active', ?, ?)",
    );
    return Number(insert.run(urn, owner, provider, enrolledAt, enrolledAt).lastInsertRowid);
  }

  setStatus(device: number, status: DeviceStatus, at: number): void {
    this.#db.prepare('UPDATE devices SET status = ?, status_at = ? WHERE id = ?').run(status, at, device);
    this.onChange(device);
  }

  /** Notes that statements of the device have entered the log, the newest received at `receivedAt`. */
  countStatements(device: number, statements: number, receivedAt: number): void {
    this.#countStatements.run(receivedAt, statements, device);
  }

  /** Whether a device may send, and with which keys, as of this transaction. */
  standing(device: number): DeviceStanding | undefined {
    const row = this.#standing.get(device);
    if (row === undefined) return undefined;
    const keys = this.#keyTimes
      .all(device)
      .map(({ kid, retired_at }) => ({ kid, retiredAt: retired_at ?? undefined }));
    return { ...row, keys };
  }

  keys(device: number): DeviceKeyRow[] {
    const rows = this.#db
      .prepare<[number], RawKeyRow>('SELECT * FROM device_keys WHERE device = ? ORDER BY added_at')
      .all(device);
    return rows.map(toKeyRow);
  }

  addKey(device: number, key: PublicKey, addedAt: number): void {
    const insert = this.#db.prepare(
      'INSERT INTO device_keys (device, kid, cose_key, added_at) VALUES (?, ?, ?, ?)',
    );
    insert.run(device, keyId(key), encodeCoseKey(key), addedAt);
    this.onChange(device);
  }

  retireKey(device: number, kid: Uint8Array, at: number): boolean {
    const update = this.#db.prepare(
      'UPDATE device_keys SET retired_at = ? WHERE device = ? AND kid = ? AND retired_at IS NULL',
    );
    const isRetired = update.run(at, device, kid).changes === 1;
    this.onChange(device);
    return isRetired;
  }

  summaries(limit: number, after: string): DeviceSummary[] {
    return this.#db
      .prepare<[string, number], DeviceSummary>(`${SUMMARY} WHERE d.urn > ? ORDER BY d.urn LIMIT ?`)
      .all(after, limit);
  }

  summary(urn: string): DeviceSummary | undefined {
    return this.#db.prepare<[string], DeviceSummary>(`${SUMMARY} WHERE d.urn = ?`).get(urn);
  }

  count(): number {
    return this.#db.prepare<[], number>('SELECT count(*) FROM devices').pluck().get() ?? 0;
  }

  /** Asks for a change; the log's writer carries it out. Several requests enter together or not at all. */
  request(requests: readonly string[]): number[] {
    const insert = this.#db.prepare('INSERT INTO registry_requests (request) VALUES (?)');
    try {
      return this.#db.transaction(() =>
        requests.map((request) => Number(insert.run(request).lastInsertRowid)),
      )();
    } catch (cause) {
      throw storeError(cause, 'cannot record the request');
    }
  }

  waitingRequests(limit: number): { id: number; request: string }[] {
    const query = this.#db.prepare<[number], { id: number; request: string }>(
      'SELECT id, request FROM registry_requests WHERE outcome IS NULL ORDER BY id LIMIT ?',
    );
    return query.all(limit);
  }

  settleRequest(id: number, outcome: string): void {
    this.#db.prepare('UPDATE registry_requests SET outcome = ? WHERE id = ?').run(outcome, id);
  }

  /** undefined while the request waits. */
  outcome(id: number): string | undefined {
    const outcome = this.#db
      .prepare<[number], string | null>('SELECT outcome FROM registry_requests WHERE id = ?')
      .pluck()
      .get(id);
    return outcome ?? undefined;
  }

  /** Grows when another connection has written: a cheap way to notice requests of the command line. */
  dataVersion(): number {
    return Number(this.#db.pragma('data_version', { simple: true }));
  }
}

function toKeyRow(row: RawKeyRow): DeviceKeyRow {
  const key = decodeCoseKey(row.cose_key);
  if (key.kind === 'reject')
    throw new GatewayError(
      'store-corrupt',
      `a stored device key is no COSE key (${key.detail}); run vitalseal fsck`,
    );
  return { kid: row.kid, key: key.value, addedAt: row.added_at, retiredAt: row.retired_at ?? undefined };
}
