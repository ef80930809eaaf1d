/** Resolving a SenML pack: base fields folded in, so that each record stands by itself (RFC 8428 section 4.6). */
import type { CborValue } from '../cbor.ts';
import { addDecimal, compareDecimal, type Decimal, decimal, parseDecimal } from '../decimal.ts';
import type { SenmlPack, SenmlRecord, SenmlValue } from './record.ts';

/** When a record was taken: Unix time, or an offset to a moment that is not known here. In seconds. */
export type SenmlTime =
  | { readonly kind: 'absolute'; readonly seconds: Decimal }
  | { readonly kind: 'relative'; readonly seconds: Decimal };

/** A record that stands by itself. Values and times are exact, with the finer of the places that went in. */
export interface ResolvedRecord {
  readonly name: string;
  readonly unit?: string;
  readonly value?: SenmlValue;
  readonly sum?: Decimal;
  readonly time: SenmlTime;
  readonly updateTime?: Decimal;
  readonly extensions?: ReadonlyMap<string, CborValue>;
}

const ZERO: Decimal = { mantissa: 0n, exponent: 0 };

// Section 4.5.3: from here on a time counts from 1970, below it from now.
const ABSOLUTE_FROM = decimal('268435456');

interface Base {
  readonly name: string;
  readonly unit: string | undefined;
  readonly time: Decimal;
  readonly value: Decimal | undefined;
  readonly sum: Decimal | undefined;
}

/**
 * Resolves a pack that `decodeSenml` gave, or that `encodeSenml` would take. One record out for each one in.
 *
 * `now` is what relative times are relative to, in seconds since 1970: the statement's iat. Without it (a device
 * without a clock) they stay relative, so that a reader can set them against the time of reception.
 * Throws RangeError when `now` is not finite.
 */
export function resolveSenml(pack: SenmlPack, now?: number): ResolvedRecord[] {
  const reference = now === undefined ? undefined : shortestDecimal(now);
  let base: Base = { name: '', unit: undefined, time: ZERO, value: undefined, sum: undefined };
  return pack.map((record) => {
    base = applyBase(base, record);
    return resolveRecord(record, base, reference);
  });
}

function applyBase(base: Base, record: SenmlRecord): Base {
  return {
    name: record.baseName ?? base.name,
    unit: record.baseUnit ?? base.unit,
    time: record.baseTime ?? base.time,
    value: record.baseValue ?? base.value,
    sum: record.baseSum ?? base.sum,
  };
}

function resolveRecord(record: SenmlRecord, base: Base, now: Decimal | undefined): ResolvedRecord {
  const unit = record.unit ?? base.unit;
  const value =
    record.value?.kind === 'number' ? resolveNumber(record.value.value, base.value) : record.value;
  const sum = record.sum && base.sum ? addDecimal(base.sum, record.sum) : (record.sum ?? base.sum);
  return {
    name: base.name + (record.name ?? ''),
    ...(unit !== undefined && { unit }),
    ...(value && { value }),
    ...(sum && { sum }),
    time: resolveTime(record.time ? addDecimal(base.time, record.time) : base.time, now),
    ...(record.updateTime && { updateTime: record.updateTime }),
    ...(record.extensions && { extensions: record.extensions }),
  };
}

function resolveNumber(value: Decimal, base: Decimal | undefined): SenmlValue {
  return { kind: 'number', value: base ? addDecimal(base, value) : value };
}

function resolveTime(seconds: Decimal, now: Decimal | undefined): SenmlTime {
  if (compareDecimal(seconds, ABSOLUTE_FROM) >= 0) return { kind: 'absolute', seconds };
  return now ? { kind: 'absolute', seconds: addDecimal(now, seconds) } : { kind: 'relative', seconds };
}

/** A clock reading of 1700000000.25 means that decimal, not the binary fraction next to it. */
function shortestDecimal(now: number): Decimal {
  const parsed = parseDecimal(String(now));
  if (parsed === undefined) throw new RangeError('now: not a finite number');
  return parsed;
}
