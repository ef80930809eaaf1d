/** The registry's tables against the log: every device, key and status must have its event, and no event may be missing. */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import type { DeviceRow } from '../store/registry-store.ts';
import type { FsckContext } from './context.ts';
import type { DeviceHistory, LoggedDevice, LoggedEnd } from './device-history.ts';
import { checkEnrolments } from './enrolments.ts';

interface KeyRow {
  readonly kid: Uint8Array;
  readonly cose_key: Uint8Array;
  readonly retired_at: number | null;
  readonly ended_from: number | null;
  readonly end_reason: string | null;
  readonly ended_size: number | null;
}

/** Compares each device of the registry with what the log says of it. */
export async function checkRegistry(context: FsckContext, history: DeviceHistory): Promise<void> {
  const { db, checked, findings, owners, pace } = context;
  const count = db.prepare<[], number>('SELECT count(*) FROM devices').pluck().get() ?? 0;
  const keys = db.prepare<[number], KeyRow>(
    'SELECT kid, cose_key, retired_at, ended_from, end_reason, ended_size FROM device_keys WHERE device = ?',
  );
  pace.begin('devices', count);
  for (const row of db.prepare<[], DeviceRow>('SELECT * FROM devices ORDER BY id').iterate()) {
    checked.devices += 1;
    await pace.step();
    const stored = keys.all(row.id);
    checked.deviceKeys += stored.length;
    // The events of an erased patient's device are sealed with the patient's key: nothing to compare with.
    if (!owners.isReadable(row.owner)) continue;
    const logged = history.device(row.urn);
    if (logged === undefined) {
      findings.add(
        'device-not-logged',
        `${row.urn} is in the registry, but the log holds no enrolment of it`,
      );
      continue;
    }
    checkStatus(context, row, logged);
    checkKeys(context, row.urn, stored, logged);
  }
  checkEnrolments(context);
}

function checkStatus(context: FsckContext, row: DeviceRow, logged: LoggedDevice): void {
  const wrong = row.status === 'revoked' ? endMismatch(row, row.status_at, logged.end) : undefined;
  if (row.status === logged.status && wrong !== undefined)
    context.findings.add('device-status-mismatch', `${row.urn} is revoked, but ${wrong}`);
  if (row.status === logged.status) return;
  // Equivocation suspends at once; its event waits as a request until the gateway gets to it.
  if (row.status === 'suspended' && logged.status === 'active' && isSuspendWaiting(context, row.urn)) return;
  context.findings.add(
    'device-status-mismatch',
    `${row.urn} is ${row.status} in the registry, ${logged.status} by its events in the log`,
  );
}

function isSuspendWaiting({ db }: FsckContext, urn: string): boolean {
  const query = db.prepare<[string], number>(
    `SELECT 1 FROM registry_requests WHERE outcome IS NULL AND json_valid(request)
     AND request ->> '$.action' = 'suspend' AND request ->> '$.device' = ?`,
  );
  return query.pluck().get(urn) !== undefined;
}

function checkKeys(
  { findings }: FsckContext,
  urn: string,
  stored: readonly KeyRow[],
  logged: LoggedDevice,
): void {
  const report = (kid: string, what: string): void =>
    findings.add('device-key-mismatch', `key ${kid} of ${urn} ${what}`);
  const seen = new Set<string>();
  for (const row of stored) {
    const kid = bytesToHex(row.kid);
    seen.add(kid);
    const event = logged.keys.get(kid);
    if (event === undefined) report(kid, 'is in the registry, but no event in the log added it');
    else if (!equalBytes(row.cose_key, encodeCoseKey(event.key)))
      report(kid, 'is another key than the log added');
    else if ((row.retired_at !== null) !== (event.end !== undefined))
      report(
        kid,
        `is ${event.end === undefined ? 'retired without an event' : 'in use although the log says it was retired'}`,
      );
    else if (row.retired_at !== null) {
      const wrong = endMismatch(row, row.retired_at, event.end);
      if (wrong !== undefined) report(kid, `is retired, but ${wrong}`);
    }
  }
  for (const kid of logged.keys.keys())
    if (!seen.has(kid)) report(kid, 'was added by the log, but is not in the registry');
}

/** How the end of trust in a row differs from that in the log; `endedAt`: when it was recorded, ms. */
function endMismatch(
  row: Pick<KeyRow, 'ended_from' | 'end_reason' | 'ended_size'>,
  endedAt: number,
  logged: LoggedEnd | undefined,
): string | undefined {
  if (logged === undefined) return undefined; // reported by itself
  if (Math.floor((row.ended_from ?? endedAt) / 1000) !== Math.floor(logged.from))
    return 'from another time than the log says';
  if ((row.end_reason ?? undefined) !== logged.reason) return 'for another reason than the log says';
  if ((row.ended_size ?? 0) > logged.index) return 'more entries are said to be older than the log allows';
  return undefined;
}
