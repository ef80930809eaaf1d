/** Devices as lists, counts and sums over the registry, the log and the gaps. Nothing here changes a row. */
import type { DeviceStatus, DeviceSummary, ExpectedDevice } from '../ports.ts';
import type { Db } from './database.ts';
import { IS_ENROLLED } from './registry-schema.ts';

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

export class DeviceLists {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
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

  /** The devices of all keys, by key id in hex: hidden ones too. */
  devicesByKey(): Map<string, string> {
    const rows = this.#db
      .prepare<[], [string, string]>(
        'SELECT lower(hex(k.kid)), d.urn FROM device_keys k JOIN devices d ON d.id = k.device',
      )
      .raw();
    return new Map(rows.iterate());
  }
}
