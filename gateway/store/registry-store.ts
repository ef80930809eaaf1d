/**
 * Who may send: owners (patients) with their wrapped keys, devices and device keys. A row changes only in the
 * transaction that logs the device event behind the change; requests wait in `registry_requests` until then.
 */
import type { PublicKey } from '../../src/cose/key.ts';
import { encodeCoseKey, keyId } from '../../src/cose/key.ts';
import type { EndReason } from '../../src/log-statement.ts';
import { decodeCoseKeyNatively } from '../crypto/public-key.ts';
import { GatewayError } from '../errors.ts';
import type { DeviceStatus, DeviceSummary, ExpectedDevice } from '../ports.ts';
import { type Db, storeError } from './database.ts';
import { ENROLMENT_SCHEMA, EnrolmentStore } from './enrolment-store.ts';

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
  ended_from  INTEGER,                    -- of a revoked one: from when nothing it signed is trusted; at most status_at
  end_reason  TEXT,                       -- of a revoked one: why, when that was said
  ended_size  INTEGER,                    -- of a revoked one: so many entries were in the log by ended_from
  enrolled_at INTEGER NOT NULL,
  last_seen   INTEGER,
  statements  INTEGER NOT NULL DEFAULT 0, -- in the log; counted here, because counting them there takes as long as they are many
  received    INTEGER NOT NULL DEFAULT 0, -- messages under its name that were judged, whatever became of them
  cadence_s   INTEGER,                    -- longest silence that is in order, seconds; 0: any; null: as configured
  silent_at   INTEGER                     -- when it was found silent past its cadence; null while it is not
) STRICT;
CREATE TABLE IF NOT EXISTS device_keys (
  device     INTEGER NOT NULL REFERENCES devices (id),
  kid        BLOB NOT NULL,               -- 8 bytes
  cose_key   BLOB NOT NULL,
  added_at   INTEGER NOT NULL,
  retired_at INTEGER,                     -- when it was put out of use
  ended_from INTEGER,                     -- from when it is good no more: at most retired_at; in use still: when it will be retired
  end_reason TEXT,                        -- why, when that was said
  ended_size INTEGER,                     -- so many entries were in the log by ended_from
  PRIMARY KEY (device, kid)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS device_keys_to_retire ON device_keys (ended_from) WHERE retired_at IS NULL AND ended_from IS NOT NULL;
CREATE TABLE IF NOT EXISTS registry_requests (
  id         INTEGER PRIMARY KEY,
  request    TEXT NOT NULL,               -- JSON, gateway/log/device-requests.ts
  outcome    TEXT                         -- null while waiting; '' when done; otherwise why it was refused
) STRICT;
${ENROLMENT_SCHEMA}`;

export interface DeviceRow {
  readonly id: number;
  readonly urn: string;
  readonly owner: number;
  readonly provider: string;
  readonly status: DeviceStatus;
  readonly status_at: number;
  readonly enrolled_at: number;
  readonly last_seen: number | null;
  readonly ended_from: number | null;
  readonly end_reason: EndReason | null;
  readonly ended_size: number | null;
}

/** The end of the trust in a key or a device. */
export interface TrustEnd {
  /** From when nothing signed is trusted, ms. */
  readonly from: number;
  readonly reason: EndReason | undefined;
  /** So many entries were in the log by then. */
  readonly size: number;
}

/** A key whose retirement is planned. */
export interface PlannedRetirement {
  readonly device: string;
  readonly kid: Uint8Array;
}

export interface DeviceKeyRow {
  readonly kid: Uint8Array;
  readonly key: PublicKey;
  readonly addedAt: number;
  /** When it was put out of use. */
  readonly retiredAt: number | undefined;
  /** From when it is good no more. Of a key in use: when it is to be retired. */
  readonly endedFrom: number | undefined;
  readonly endReason: EndReason | undefined;
  /** Of a retired key: so many entries were in the log by `endedFrom`. */
  readonly endedSize: number | undefined;
}

/** A device as its row and its gaps tell it. */
export interface DeviceRowSummary extends Omit<DeviceSummary, 'silentSeconds' | 'cadenceSeconds'> {
  /** Its own cadence in seconds: 0 for none, null for the configured one. */
  readonly ownCadence: number | null;
  /** When it was found silent. */
  readonly silentAt: number | null;
}

/** Which devices of a list are wanted. */
export interface DeviceFilter {
  readonly status?: DeviceStatus | undefined;
  /** Only those that are silent past their cadence. */
  readonly isSilent?: boolean | undefined;
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
  readonly ended_from: number | null;
  readonly end_reason: EndReason | null;
  readonly ended_size: number | null;
}

/** A device that is in the log is enrolled, unless it came in a batch that is still under way. */
const IS_ENROLLED = 'NOT EXISTS (SELECT 1 FROM arriving_devices a WHERE a.device = d.id)';

/** `total`, not `sum`: a device that skips to the greatest number in every boot would overflow an integer. */
const SUMMARY = `
SELECT d.urn AS device, o.name AS patient, d.provider, d.status, d.enrolled_at AS enrolledAt, d.last_seen AS lastSeen, d.statements,
  d.received, d.cadence_s AS ownCadence, d.silent_at AS silentAt,
  (SELECT total(g.last - g.first + 1) FROM gaps g WHERE g.device = d.id) AS missing,
  d.statements + (SELECT total(g.last - g.first + 1) FROM gaps g WHERE g.device = d.id) AS expected
FROM devices d JOIN owners o ON o.id = d.owner WHERE ${IS_ENROLLED}`;

/** The cadence in force is the device's own, or the configured one (a parameter, null for none). */
const EXPECTED = `
SELECT d.id, d.urn AS device, coalesce(d.last_seen, d.enrolled_at) AS lastHeard, d.silent_at IS NOT NULL AS wasSilent,
  coalesce(d.cadence_s, @cadence) * 1000 AS cadenceMs
FROM devices d WHERE d.status = 'active' AND coalesce(d.cadence_s, @cadence) > 0 AND ${IS_ENROLLED}`;

/** All SQL over the registry's tables. */
export class RegistryStore {
  readonly #db: Db;
  readonly #standing;
  readonly #keyTimes;
  readonly #countStatements;
  readonly #countReceived;
  readonly #markSilent;
  readonly #clearSilent;
  readonly #owner;
  readonly #ownerById;
  readonly #addOwner;
  readonly #addDevice;
  readonly #addKey;
  readonly #device;
  readonly #nextRetirement;
  /** Files of enrolments on their way. */
  readonly enrolments: EnrolmentStore;
  /** Called within the transaction that changed what a device may do. */
  onChange: (device: number) => void = () => undefined;

  constructor(db: Db) {
    this.#db = db;
    this.enrolments = new EnrolmentStore(db);
    this.#countStatements = db.prepare(
      `UPDATE devices SET last_seen = max(?, coalesce(last_seen, 0)), statements = statements + ?, received = received + ?,
       silent_at = NULL WHERE id = ?`,
    );
    this.#countReceived = db.prepare('UPDATE devices SET received = received + ? WHERE id = ?');
    this.#markSilent = db.prepare(
      `UPDATE devices SET silent_at = @at WHERE urn = @urn AND status = 'active' AND silent_at IS NULL`,
    );
    this.#clearSilent = db.prepare(
      'UPDATE devices SET silent_at = NULL WHERE urn = ? AND silent_at IS NOT NULL',
    );
    this.#owner = db.prepare<[string], { id: number; wrapped: Uint8Array | null }>(
      'SELECT id, wrapped FROM owners WHERE name = ?',
    );
    this.#ownerById = db.prepare<[number], { name: string; wrapped: Uint8Array | null }>(
      'SELECT name, wrapped FROM owners WHERE id = ?',
    );
    this.#addOwner = db.prepare('INSERT INTO owners (name, wrapped) VALUES (?, ?)');
    this.#addDevice = db.prepare(
      "INSERT INTO devices (urn, owner, provider, status, status_at, enrolled_at, cadence_s) VALUES (?, ?, ?, 'active', ?, ?, ?)",
    );
    this.#addKey = db.prepare(
      'INSERT INTO device_keys (device, kid, cose_key, added_at) VALUES (?, ?, ?, ?)',
    );
    this.#device = db.prepare<[string], DeviceRow>(
      `SELECT d.* FROM devices d WHERE d.urn = ? AND ${IS_ENROLLED}`,
    );
    this.#nextRetirement = db
      .prepare<[], number | null>(
        'SELECT min(ended_from) FROM device_keys WHERE retired_at IS NULL AND ended_from IS NOT NULL',
      )
      .pluck();
    this.#standing = db.prepare<[number], DeviceRow>('SELECT * FROM devices WHERE id = ?');
    this.#keyTimes = db.prepare<[number], { kid: Uint8Array; retired_at: number | null }>(
      'SELECT kid, retired_at FROM device_keys WHERE device = ?',
    );
  }

  owner(name: string): { id: number; wrapped: Uint8Array | null } | undefined {
    return this.#owner.get(name);
  }

  ownerById(id: number): { name: string; wrapped: Uint8Array | null } | undefined {
    return this.#ownerById.get(id);
  }

  addOwner(name: string, wrapped: Uint8Array): number {
    return Number(this.#addOwner.run(name, wrapped).lastInsertRowid);
  }

  device(urn: string): DeviceRow | undefined {
    return this.#device.get(urn);
  }

  /** @param cadence in seconds, 0 for none, null for the configured one */
  addDevice(
    urn: string,
    owner: number,
    provider: string,
    enrolledAt: number,
    cadence: number | null = null,
  ): number {
    const row = this.#addDevice.run(urn, owner, provider, enrolledAt, enrolledAt, cadence);
    return Number(row.lastInsertRowid);
  }

  /** @param cadence in seconds, 0 for none, null for the configured one */
  setCadence(device: number, cadence: number | null): void {
    this.#db.prepare('UPDATE devices SET cadence_s = ? WHERE id = ?').run(cadence, device);
  }

  /** Keeps that a device was found silent at `at`, or with null that it is silent no more. A statement taken in says the latter too. */
  markSilent(urn: string, at: number | null): void {
    if (at === null) this.#clearSilent.run(urn);
    else this.#markSilent.run({ urn, at });
  }

  setStatus(device: number, status: DeviceStatus, at: number): void {
    this.#db
      .prepare('UPDATE devices SET status = ?, status_at = ?, silent_at = NULL WHERE id = ?')
      .run(status, at, device);
    this.onChange(device);
  }

  /** Notes that statements of the device have entered the log, the newest received at `receivedAt`, out of `received` messages. */
  countStatements(device: number, statements: number, received: number, receivedAt: number): void {
    this.#countStatements.run(receivedAt, statements, received, device);
  }

  /** Notes messages that were judged and did not enter the log. */
  countReceived(device: number, received: number): void {
    this.#countReceived.run(received, device);
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
    this.#addKey.run(device, keyId(key), encodeCoseKey(key), addedAt);
    this.onChange(device);
  }

  /** Puts a key out of use; one that is out of use already keeps its time and gets the new end. */
  retireKey(
    device: number,
    kid: Uint8Array,
    at: number,
    end: TrustEnd = { from: at, reason: undefined, size: 0 },
  ): void {
    this.#db
      .prepare(
        `UPDATE device_keys SET retired_at = coalesce(retired_at, ?), ended_from = ?, end_reason = ?, ended_size = ?
         WHERE device = ? AND kid = ?`,
      )
      .run(at, end.from, end.reason ?? null, end.size, device, kid);
    this.onChange(device);
  }

  /** Sets when a key in use is to be retired, and why; without `from`, that it is not. */
  planRetirement(device: number, kid: Uint8Array, from?: number, reason?: EndReason): void {
    this.#db
      .prepare(
        `UPDATE device_keys SET ended_from = ?, end_reason = ?
         WHERE device = ? AND kid = ? AND retired_at IS NULL`,
      )
      .run(from ?? null, reason ?? null, device, kid);
  }

  /** Keys in use whose time has come, the earliest first. */
  dueRetirements(now: number, limit: number): PlannedRetirement[] {
    const query = this.#db.prepare<[number, number], PlannedRetirement>(
      `SELECT d.urn AS device, k.kid FROM device_keys k JOIN devices d ON d.id = k.device
       WHERE k.retired_at IS NULL AND k.ended_from <= ? ORDER BY k.ended_from LIMIT ?`,
    );
    return query.all(now, limit);
  }

  /** When the next key is to be retired; undefined when none is. */
  nextRetirement(): number | undefined {
    return this.#nextRetirement.get() ?? undefined;
  }

  /** Revokes a device; one that is revoked already keeps its time and gets the new end. */
  revoke(device: number, at: number, end: TrustEnd): void {
    this.#db
      .prepare(
        `UPDATE devices SET status_at = CASE status WHEN 'revoked' THEN status_at ELSE ? END, status = 'revoked',
         silent_at = NULL, ended_from = ?, end_reason = ?, ended_size = ? WHERE id = ?`,
      )
      .run(at, end.from, end.reason ?? null, end.size, device);
    this.onChange(device);
  }

  /** A size that the log had reached by a time, by its checkpoints: perhaps not the greatest. */
  sizeSealedBy(time: number): number {
    const query = this.#db
      .prepare<[number], number | null>('SELECT max(size) FROM checkpoints WHERE sealed_at <= ?')
      .pluck();
    return query.get(time) ?? 0;
  }

  /** The devices of all keys, by key id in hex: hidden ones too. */
  devicesByKey(): Map<string, string> {
    const rows = this.#db
      .prepare<[], [string, string]>(
        'SELECT lower(hex(k.kid)), d.urn FROM device_keys k JOIN devices d ON d.id = k.device',
      )
      .raw();
    return new Map(rows.iterate());
  }

  /** How many of a device's statements in the log came after a time. */
  countSince(device: number, time: number): number {
    const query = this.#db.prepare<[number, number], number>(
      'SELECT count(*) FROM entries WHERE device = ? AND seq IS NOT NULL AND received_at > ?',
    );
    return query.pluck().get(device, time) ?? 0;
  }

  /** By URN, those behind `after`. */
  summaries(limit: number, after: string, { status, isSilent }: DeviceFilter = {}): DeviceRowSummary[] {
    return this.#db
      .prepare<[string, string | null, number, number], DeviceRowSummary>(
        `${SUMMARY} AND d.urn > ? AND d.status = coalesce(?, d.status) AND (? = 0 OR d.silent_at IS NOT NULL)
         ORDER BY d.urn LIMIT ?`,
      )
      .all(after, status ?? null, isSilent === true ? 1 : 0, limit);
  }

  summary(urn: string): DeviceRowSummary | undefined {
    return this.#db.prepare<[string], DeviceRowSummary>(`${SUMMARY} AND d.urn = ?`).get(urn);
  }

  /**
   * Devices that ought to be heard, by row, those behind `after`: active, and with a cadence of their own or the configured one.
   * @param cadence the configured one in seconds; undefined: none
   */
  expectedDevices(cadence: number | undefined, after: number, limit: number): ExpectedDevice[] {
    return this.#db
      .prepare<[object], ExpectedDevice>(`${EXPECTED} AND d.id > @after ORDER BY d.id LIMIT @limit`)
      .all({ cadence: cadence ?? null, after, limit });
  }

  /** One of them; undefined when it is none. */
  expectedDevice(urn: string, cadence: number | undefined): ExpectedDevice | undefined {
    return this.#db
      .prepare<[object], ExpectedDevice>(`${EXPECTED} AND d.urn = @urn`)
      .get({ cadence: cadence ?? null, urn });
  }

  count(): number {
    return (
      this.#db
        .prepare<[], number>(
          'SELECT (SELECT count(*) FROM devices) - (SELECT count(*) FROM arriving_devices)',
        )
        .pluck()
        .get() ?? 0
    );
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
  const key = decodeCoseKeyNatively(row.cose_key);
  if (key.kind === 'reject')
    throw new GatewayError(
      'store-corrupt',
      `a stored device key is no COSE key (${key.detail}); run vitalseal fsck`,
    );
  return {
    kid: row.kid,
    key: key.value,
    addedAt: row.added_at,
    retiredAt: row.retired_at ?? undefined,
    endedFrom: row.ended_from ?? undefined,
    endReason: row.end_reason ?? undefined,
    endedSize: row.ended_size ?? undefined,
  };
}
