/** What a stored statement says, in words people and records can use. */
import { formatDecimal } from '../src/decimal.ts';
import { SENML_CONTENT_FORMAT } from '../src/payload.ts';
import { decodeSenml, type ResolvedRecord, resolveSenml } from '../src/senml.ts';
import { decodeStatement } from '../src/statement.ts';
import type { Inbox, InboxPage, ProofState, StoredEntry } from './inbox.ts';

/** One value of a statement. Numbers keep the digits the device signed. */
export interface Reading {
  readonly name: string;
  readonly unit?: string;
  /** A number as text with all its digits, a text, a boolean, or the length of binary data. */
  readonly value: string | boolean | { readonly bytes: number } | undefined;
  /** Seconds since the Unix epoch, exact; absent when the device had no clock. */
  readonly time?: string;
}

/** A statement with what it says. */
export interface InboxItem {
  /** Give it back as `after` to go on from here. */
  readonly position: number;
  readonly index: number;
  readonly device: string;
  readonly boot: number;
  readonly seq: number;
  /** The stream: "vitals", "ecg". */
  readonly subject: string;
  readonly patient?: string;
  /** The device's clock, seconds since the Unix epoch. */
  readonly issuedAt?: number;
  /** The gateway's clock, milliseconds since the Unix epoch. */
  readonly receivedAt: number;
  readonly flags: readonly string[];
  readonly proof: ProofState;
  readonly contentType: number | string;
  /** Empty when the payload is not a SenML pack. */
  readonly readings: readonly Reading[];
  /** The exact bytes the device signed. */
  readonly bytes: Uint8Array;
}

/**
 * The next statements for a reader that keeps its own cursor: `after` is the position of the last one it has dealt
 * with. A reader that stores its cursor together with what it does sees each statement exactly once, whatever was
 * sent twice. Positions grow in order of arrival, which is not the order of measurement.
 */
export function readInbox(inbox: Inbox, page: InboxPage = {}): InboxItem[] {
  return inbox.statements(page).map(describeEntry);
}

/** One statement of the inbox with its readings. Throws TypeError for a device event. */
export function describeEntry(stored: StoredEntry): InboxItem {
  const decoded = decodeStatement(stored.bytes);
  if (decoded.kind === 'reject') throw new TypeError('stored: not a statement');
  const { boot, seq, subject, issuedAt, contentType, payload } = decoded.value;
  const { position, index, device, patient, receivedAt, flags, proof, bytes } = stored;
  return {
    position,
    index,
    device,
    boot,
    seq,
    subject,
    ...(patient === undefined ? {} : { patient }),
    ...(issuedAt === undefined ? {} : { issuedAt }),
    receivedAt,
    flags,
    proof,
    contentType,
    readings: readPayload(contentType, payload, issuedAt),
    bytes,
  };
}

function readPayload(
  contentType: number | string,
  payload: Uint8Array,
  issuedAt: number | undefined,
): Reading[] {
  if (contentType !== SENML_CONTENT_FORMAT) return [];
  const pack = decodeSenml(payload);
  return pack.kind === 'reject' ? [] : resolveSenml(pack.value, issuedAt).map(toReading);
}

function toReading(record: ResolvedRecord): Reading {
  return {
    name: record.name,
    ...(record.unit === undefined ? {} : { unit: record.unit }),
    value: toValue(record.value),
    ...(record.time.kind === 'relative' ? {} : { time: formatDecimal(record.time.seconds) }),
  };
}

function toValue(value: ResolvedRecord['value']): Reading['value'] {
  if (value === undefined) return undefined;
  switch (value.kind) {
    case 'number':
      return formatDecimal(value.value);
    case 'data':
      return { bytes: value.value.length };
    default:
      return value.value;
  }
}
