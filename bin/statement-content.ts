/** What a statement says, as plain values: its stream, its clock, its readings. The device's word, whoever prints it. */
import { formatDecimal } from '../src/decimal.ts';
import { inspectPayload, isSenml } from '../src/payload.ts';
import type { TimeInterval } from '../src/receipt/answer.ts';
import { decodeSenml, type ResolvedRecord, resolveSenml } from '../src/senml.ts';
import type { Statement } from '../src/statement.ts';
import { formatTime } from './describe-interval.ts';

export interface Reading {
  readonly name: string;
  readonly unit?: string;
  /** A number in its exact decimal form. */
  readonly value?: string | boolean | Uint8Array;
  readonly sum?: string;
  /** UTC; or so many seconds after no known moment. */
  readonly time: string | { readonly secondsAfterUnknownMoment: number };
}

export interface Content {
  readonly stream: string;
  readonly algorithm: string;
  readonly contentType: string | number;
  /** UTC; absent when it was not set. */
  readonly deviceClock?: string;
  /** The device says that this does not come from a body. */
  readonly testData: boolean;
  /** Absent when the payload is of another type than readings. */
  readonly readings?: readonly Reading[];
  /** The bytes that are no readings. */
  readonly payload?: Uint8Array;
}

export function readContent(statement: Statement): Content {
  const { subject, algorithm, contentType, issuedAt, payload } = statement;
  const head = {
    ...{ stream: subject, algorithm, contentType, testData: isTestData(statement) },
    ...(issuedAt !== undefined && { deviceClock: formatTime(issuedAt) }),
  };
  const records = readRecords(statement);
  return records === undefined ? { ...head, payload } : { ...head, readings: records.map(toReading) };
}

export function isTestData({ contentType, payload }: Statement): boolean {
  const inspected = inspectPayload(contentType, payload);
  return inspected.kind === 'ok' && inspected.value.flags.includes('test-data');
}

/** The device's own times, and how far they lie outside what blocks prove. Seconds. */
export interface DeviceTimes {
  readonly earliest: number;
  readonly latest: number;
  readonly secondsBeforeInterval?: number;
  readonly secondsAfterInterval?: number;
}

/** `undefined` when the device names no time. */
export function readDeviceTimes(
  statement: Statement,
  { notBefore, notAfter }: TimeInterval,
): DeviceTimes | undefined {
  const readings = (readRecords(statement) ?? []).flatMap(({ time }) =>
    time.kind === 'absolute' ? Number(formatDecimal(time.seconds)) : [],
  );
  const times = [...readings, ...(statement.issuedAt === undefined ? [] : [statement.issuedAt])];
  if (times.length === 0) return undefined;
  const earliest = times.reduce((least, time) => Math.min(least, time));
  const latest = times.reduce((most, time) => Math.max(most, time));
  return {
    ...{ earliest, latest },
    ...(notBefore && earliest < notBefore.time && { secondsBeforeInterval: notBefore.time - earliest }),
    ...(notAfter && latest > notAfter.time && { secondsAfterInterval: latest - notAfter.time }),
  };
}

function readRecords({ contentType, payload, issuedAt }: Statement): ResolvedRecord[] | undefined {
  if (!isSenml(contentType)) return undefined;
  const pack = decodeSenml(payload);
  return pack.kind === 'reject' ? undefined : resolveSenml(pack.value, issuedAt);
}

function toReading({ name, unit, value, sum, time }: ResolvedRecord): Reading {
  const seconds = Number(formatDecimal(time.seconds));
  return {
    name,
    ...(unit !== undefined && { unit }),
    ...(value !== undefined && { value: value.kind === 'number' ? formatDecimal(value.value) : value.value }),
    ...(sum !== undefined && { sum: formatDecimal(sum) }),
    time: time.kind === 'absolute' ? formatTime(seconds) : { secondsAfterUnknownMoment: seconds },
  };
}
