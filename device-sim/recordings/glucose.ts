/** Continuous glucose as CSV: "timestamp,glucose_value_mg_dl", a local time without a zone, then mg/dL. */
import type { Decimal } from '../../src/decimal.ts';
import { type Frame, sampleRecords } from '../frame.ts';
import { fault, parseNumber, RecordingError, splitLines } from './text.ts';

/** One reading of the monitor. */
export interface GlucoseReading {
  /** Unix seconds, if the recording's clock had shown UTC: the zone was not recorded. */
  readonly time: number;
  readonly value: Decimal;
}

const HEADER = 'timestamp,glucose_value_mg_dl';
const TIME = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/;

/** Reads the file. Throws RecordingError, also when a reading comes before the one above it. */
export function parseGlucose(file: string, text: string): GlucoseReading[] {
  const [head, ...rows] = splitLines(file, text);
  if (head?.text !== HEADER) throw new RecordingError(file, 1, `does not begin with ${HEADER}`);
  let latest = Number.NEGATIVE_INFINITY;
  return rows.map((line) => {
    const [stamp = '', value = '', ...rest] = line.text.split(',');
    const match = TIME.exec(stamp);
    const time = match ? Date.parse(`${match[1]}T${match[2]}Z`) / 1000 : Number.NaN;
    if (Number.isNaN(time)) throw fault(line, 'not a time as YYYY-MM-DD hh:mm:ss');
    if (rest.length > 0) throw fault(line, 'more than two columns');
    if (time <= latest) throw fault(line, 'a reading that is not after the one before');
    latest = time;
    return { time, value: parseNumber(line, value) };
  });
}

/** A frame for each reading. */
export function glucoseFrames(readings: readonly GlucoseReading[]): Frame[] {
  const start = readings[0]?.time ?? 0;
  return readings.map(({ time, value }) => ({
    subject: 'glucose',
    start: time - start,
    end: time - start,
    records: sampleRecords('glucose', 'mg/dL', [{ time: { mantissa: 0n, exponent: 0 }, value }]),
  }));
}
