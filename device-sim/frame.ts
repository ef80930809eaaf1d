/** Frames: what a device signs at once, 1 to 60 seconds of one stream (docs/protocol.md, "Statement"). */
import { type Decimal, decimal, decimalFromInteger, parseDecimal } from '../src/decimal.ts';
import { TEST_DATA_RECORD } from '../src/payload.ts';
import { encodeSenml, SECONDARY_UNITS_VERSION, type SenmlRecord } from '../src/senml.ts';
import { findTerm, findUnit } from '../src/vocabulary.ts';

/** The longest time one frame covers. */
export const FRAME_SECONDS = 60;

/** Records of one stream whose times count from the start of the frame. */
export interface Frame {
  /** The statement's subject. */
  readonly subject: string;
  /** Whole seconds from the start of the source to the start and to the end of the frame. */
  readonly start: number;
  readonly end: number;
  readonly records: readonly SenmlRecord[];
}

/** One value at a time in seconds. */
export interface Sample {
  readonly time: Decimal;
  readonly value: Decimal;
}

/** Records of one quantity: name and unit once, then only times and values. */
export function sampleRecords(name: string, unit: string, samples: readonly Sample[]): SenmlRecord[] {
  return samples.map(({ time, value }, i) => ({
    ...(i === 0 && { baseName: name, baseUnit: unit }),
    ...(time.mantissa !== 0n && { time }),
    value: { kind: 'number', value },
  }));
}

/** The moment `index / rate` seconds, exactly. `rate` must be a whole number whose fractions are decimal. */
export function sampleTime(index: number, rate: number): Decimal {
  const time = parseDecimal(String(index / rate));
  return time ?? decimal('0');
}

/**
 * The SenML payload of a frame whose source started at `sourceStart` (whole Unix seconds).
 * `testData` marks it as not taken from a body. Throws RangeError for a frame without records.
 */
export function encodeFrame(frame: Frame, sourceStart: number, testData: boolean): Uint8Array {
  // In front, where no base name of another record clings to the mark.
  const [first, ...rest] = testData ? [TEST_DATA_RECORD, ...frame.records] : frame.records;
  if (first === undefined) throw new RangeError('frame: no records');
  const version = frame.records.some(hasSecondaryUnit) && { baseVersion: SECONDARY_UNITS_VERSION };
  return encodeSenml([
    { ...first, ...version, baseTime: decimalFromInteger(sourceStart + frame.start) },
    ...rest,
  ]);
}

function hasSecondaryUnit(record: SenmlRecord): boolean {
  const unit = record.unit ?? record.baseUnit;
  const term = findTerm((record.baseName ?? '') + (record.name ?? ''));
  return term !== undefined && unit !== undefined && findUnit(term, unit)?.registry === 'secondary';
}

/** Frames of several streams in the order of their ends; those of one subject and one time become one. */
export function mergeFrames(streams: readonly (readonly Frame[])[]): Frame[] {
  const bySlot = new Map<string, Frame>();
  for (const frame of streams.flat()) {
    const slot = `${frame.subject} ${frame.start} ${frame.end}`;
    const other = bySlot.get(slot);
    bySlot.set(slot, other ? { ...other, records: [...other.records, ...frame.records] } : frame);
  }
  return [...bySlot.values()].sort((a, b) => a.end - b.end || a.start - b.start);
}

/** Cuts items into frames by their time: those of [n * seconds, (n + 1) * seconds) belong together. */
export function cutFrames<T>(
  subject: string,
  seconds: number,
  items: Iterable<T>,
  timeOf: (item: T) => number,
  toRecords: (items: readonly T[], start: number) => SenmlRecord[],
): Frame[] {
  const slots = new Map<number, T[]>();
  for (const item of items) {
    const slot = Math.floor(timeOf(item) / seconds);
    const others = slots.get(slot);
    if (others) others.push(item);
    else slots.set(slot, [item]);
  }
  return [...slots].map(([slot, members]) => {
    const start = slot * seconds;
    return { subject, start, end: start + seconds, records: toRecords(members, start) };
  });
}
