/**
 * Who may send: owners (patients) with their wrapped keys, devices and device keys. A row changes only in the
 * transaction that logs the device event behind the change; until then requests for it wait in `requests`.
 */
import type { EndReason } from '../../src/log-statement.ts';
import type { DeviceStatus } from '../ports.ts';
import type { Db } from './database.ts';
import { DeviceKeyStore, type KeyTime, type TrustEnd } from './device-key-store.ts';
import { DeviceLists } from './device-lists.ts';
import { EnrolmentStore } from './enrolment-store.ts';
import { IS_ENROLLED } from './registry-schema.ts';
import { RequestStore } from './request-store.ts';

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

/** What the log must know of a device to take a statement of it. */
export interface DeviceStanding extends DeviceRow {
  readonly keys: readonly KeyTime[];
}

/** All SQL over owners and devices, and the parts for the rest of the registry. */
export class RegistryStore {
  readonly #db: Db;
  readonly #standing;
  readonly #countStatements;
  readonly #countReceived;
  readonly #markSilent;
  readonly #clearSilent;
  readonly #owner;
  readonly #ownerById;
  readonly #addOwner;
  readonly #addDevice;
  readonly #device;
  /** Keys of the devices. */
  readonly keys: DeviceKeyStore;
  /** Files of enrolments on their way. */
  readonly enrolments: EnrolmentStore;
  /** Requests to change a device. */
  readonly requests: RequestStore;
  /** Devices as people look at them. */
  readonly lists: DeviceLists;
  /** Called within the transaction that changed what a device may do. */
  onChange: (device: number) => void = () => undefined;

  constructor(db: Db) {
    this.#db = db;
    this.keys = new DeviceKeyStore(db, (device) => this.onChange(device));
    this.enrolments = new EnrolmentStore(db);
    this.requests = new RequestStore(db);
    this.lists = new DeviceLists(db);
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
    this.#device = db.prepare<[string], DeviceRow>(
      `SELECT d.* FROM devices d WHERE d.urn = ? AND ${IS_ENROLLED}`,
    );
    this.#standing = db.prepare<[number], DeviceRow>('SELECT * FROM devices WHERE id = ?');
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
    return { ...row, keys: this.keys.times(device) };
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
}
