/** The keys of devices: from when each may be used, and when its use or the trust in it ends. */
import { encodeCoseKey, keyId, type PublicKey } from '../../src/cose/key.ts';
import type { EndReason } from '../../src/log-statement.ts';
import { decodeCoseKeyNatively } from '../crypto/public-key.ts';
import { GatewayError } from '../errors.ts';
import type { Db } from './database.ts';

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

interface RawKeyRow {
  readonly kid: Uint8Array;
  readonly cose_key: Uint8Array;
  readonly added_at: number;
  readonly retired_at: number | null;
  readonly ended_from: number | null;
  readonly end_reason: EndReason | null;
  readonly ended_size: number | null;
}

/** When a key was retired. */
export interface KeyTime {
  readonly kid: Uint8Array;
  readonly retiredAt: number | undefined;
}

/** All SQL over the table of keys. */
export class DeviceKeyStore {
  readonly #db: Db;
  readonly #changed: (device: number) => void;
  readonly #add;
  readonly #times;
  readonly #nextRetirement;

  /** @param changed called within the transaction that changed which keys a device may use */
  constructor(db: Db, changed: (device: number) => void) {
    this.#db = db;
    this.#changed = changed;
    this.#add = db.prepare('INSERT INTO device_keys (device, kid, cose_key, added_at) VALUES (?, ?, ?, ?)');
    this.#times = db.prepare<[number], { kid: Uint8Array; retired_at: number | null }>(
      'SELECT kid, retired_at FROM device_keys WHERE device = ?',
    );
    this.#nextRetirement = db
      .prepare<[], number | null>(
        'SELECT min(ended_from) FROM device_keys WHERE retired_at IS NULL AND ended_from IS NOT NULL',
      )
      .pluck();
  }

  /** The oldest first. */
  of(device: number): DeviceKeyRow[] {
    const rows = this.#db
      .prepare<[number], RawKeyRow>('SELECT * FROM device_keys WHERE device = ? ORDER BY added_at')
      .all(device);
    return rows.map(toKeyRow);
  }

  add(device: number, key: PublicKey, addedAt: number): void {
    this.#add.run(device, keyId(key), encodeCoseKey(key), addedAt);
    this.#changed(device);
  }

  /** Puts a key out of use; one that is out of use already keeps its time and gets the new end. */
  retire(
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
    this.#changed(device);
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

  /** The keys of a device, only with when each was retired. */
  times(device: number): KeyTime[] {
    return this.#times
      .all(device)
      .map(({ kid, retired_at }) => ({ kid, retiredAt: retired_at ?? undefined }));
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
