/** The form of a request to change the registry: JSON in, checked, or a sentence that says what is wrong with it. */
import { base64ToBytes, bytesToHex, hexToBytes } from '../../src/bytes.ts';
import type { PublicKey } from '../../src/cose/key.ts';
import { END_REASONS, type EndReason } from '../../src/log-statement.ts';
import { isDeviceUrn } from '../../src/statement.ts';
import { decodeCoseKeyNatively } from '../crypto/public-key.ts';
import type { EnrolmentItem } from '../store/enrolment-store.ts';

/** From when and why a key or a device is trusted no more. */
export interface RequestedEnd {
  /** Seconds since the Unix epoch; absent: from the moment the request is carried out. */
  readonly effective?: number;
  readonly reason?: EndReason;
}

export interface EnrolRequest {
  readonly action: 'enrol';
  readonly device: string;
  readonly patient: string;
  readonly provider: string;
  readonly key: PublicKey;
  /** Longest silence that is in order, in seconds: 0 for any, null for what is configured. */
  readonly cadence: number | null;
}

export type DeviceRequest =
  | EnrolRequest
  | { readonly action: 'add-key'; readonly device: string; readonly key: PublicKey }
  /** Without `kid`: every key of the device. An effective time in the future plans the retirement. */
  | ({ readonly action: 'retire-key'; readonly device: string; readonly kid?: Uint8Array } & RequestedEnd)
  /** Adds a key and retires the one of this id, or all there are. */
  | ({
      readonly action: 'rotate';
      readonly device: string;
      readonly key: PublicKey;
      readonly kid?: Uint8Array;
    } & RequestedEnd)
  /** Takes planned retirements back. Without `kid`: all of the device. */
  | { readonly action: 'keep-key'; readonly device: string; readonly kid?: Uint8Array }
  | ({ readonly action: 'revoke'; readonly device: string } & RequestedEnd)
  | { readonly action: 'suspend' | 'resume'; readonly device: string }
  /** Sets the longest silence that is in order, as `EnrolRequest.cadence`. */
  | { readonly action: 'cadence'; readonly device: string; readonly seconds: number | null };

/** Pseudonyms of patients and ids of providers: short, printable, safe in a path and in a log line. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const KID = /^[0-9a-f]{16}$/;
/** The last second of the year 9999. */
const LATEST_S = 253_402_300_799;
/** The longest cadence: a year. */
export const CADENCE_MAX_S = 31_536_000;

/** The request behind stored JSON. Throws TypeError naming the field: requests come from our own command line. */
export function parseDeviceRequest(text: string): DeviceRequest {
  const raw = JSON.parse(text) as Record<string, unknown>;
  const device = deviceField(raw);
  switch (raw['action']) {
    case 'enrol':
      return { action: 'enrol', ...enrolFields(raw), key: keyField(raw) };
    case 'add-key':
      return { action: 'add-key', device, key: keyField(raw) };
    case 'retire-key':
      return { action: 'retire-key', device, ...kidField(raw), ...endFields(raw) };
    case 'rotate':
      return { action: 'rotate', device, key: keyField(raw), ...kidField(raw), ...endFields(raw) };
    case 'keep-key':
      return { action: 'keep-key', device, ...kidField(raw) };
    case 'revoke':
      return { action: 'revoke', device, ...endFields(raw) };
    case 'suspend':
    case 'resume':
      return { action: raw['action'], device };
    case 'cadence':
      return { action: 'cadence', device, seconds: cadenceField(raw, 'seconds') };
    default:
      throw new TypeError(`action: unknown (${String(raw['action'])})`);
  }
}

/** The enrolment behind an item of a batch. Throws TypeError naming the field, as `parseDeviceRequest` does. */
export function parseEnrolment({
  device,
  patient,
  provider,
  coseKey,
  cadence,
}: Omit<EnrolmentItem, 'line'>): EnrolRequest {
  return {
    action: 'enrol',
    ...enrolFields({ device, patient, provider, cadence }),
    key: keyOf(coseKey),
  };
}

/** What a person is told a request is about. */
export function describeRequest(request: DeviceRequest): string {
  const kid = 'kid' in request && request.kid !== undefined ? ` ${bytesToHex(request.kid)}` : '';
  return `${request.action}${kid} ${request.device}`;
}

function deviceField(raw: Record<string, unknown>): string {
  return field(raw, 'device', isDeviceUrn, 'a device URN (RFC 9039, urn:dev:...)');
}

function enrolFields(raw: Record<string, unknown>): Omit<EnrolRequest, 'action' | 'key'> {
  return {
    device: deviceField(raw),
    patient: field(raw, 'patient', isName, 'a pseudonym of letters, digits, ._:- (at most 64)'),
    provider: field(raw, 'provider', isName, 'a provider id of letters, digits, ._:- (at most 64)'),
    cadence: cadenceField(raw, 'cadence'),
  };
}

function cadenceField(raw: Record<string, unknown>, name: string): number | null {
  const value = raw[name] ?? null;
  const isSeconds = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= CADENCE_MAX_S;
  if (value !== null && !isSeconds)
    throw new TypeError(
      `${name}: must be whole seconds up to a year, 0 for none, null for what is configured`,
    );
  return value as number | null;
}

function isName(text: string): boolean {
  return NAME.test(text);
}

function field(
  raw: Record<string, unknown>,
  name: string,
  isValid: (text: string) => boolean,
  what: string,
): string {
  const value = raw[name];
  if (typeof value !== 'string' || !isValid(value)) throw new TypeError(`${name}: must be ${what}`);
  return value;
}

function keyField(raw: Record<string, unknown>): PublicKey {
  const bytes = typeof raw['key'] === 'string' ? base64ToBytes(raw['key']) : undefined;
  if (bytes === undefined) throw new TypeError('key: must be a COSE_Key in base64');
  return keyOf(bytes);
}

function keyOf(bytes: Uint8Array): PublicKey {
  const key = decodeCoseKeyNatively(bytes);
  if (key.kind === 'reject') throw new TypeError(`key: ${key.detail}`);
  return key.value;
}

function kidField(raw: Record<string, unknown>): { kid?: Uint8Array } {
  if (raw['kid'] === undefined) return {};
  const kid = field(raw, 'kid', (text) => KID.test(text), 'a key id of 16 hex digits');
  return { kid: hexToBytes(kid) };
}

function endFields({ effective, reason }: Record<string, unknown>): RequestedEnd {
  const known = END_REASONS.find((name) => name === reason);
  if (reason !== undefined && known === undefined)
    throw new TypeError(`reason: must be one of ${END_REASONS.join(', ')}`);
  const why = known === undefined ? {} : { reason: known };
  if (effective === undefined) return why;
  if (typeof effective !== 'number' || !Number.isInteger(effective) || effective < 0 || effective > LATEST_S)
    throw new TypeError('effective: must be whole seconds since 1970');
  return { effective, ...why };
}
