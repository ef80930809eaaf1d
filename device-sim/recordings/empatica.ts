/**
 * The raw export of an Empatica E4 wrist band.
 *
 * Most files: line 1 the start (Unix seconds, UTC), line 2 the rate in Hz, then a row per sample. IBI.csv: line 1 the
 * start and a title, then rows of seconds since the start and length of the interval. Units as the export's info.txt
 * says: HR beats per minute, TEMP Celsius, EDA microsiemens, ACC 1/64 g, BVP without one.
 */
import {
  addDecimal,
  type Decimal,
  decimal,
  decimalFromInteger,
  decimalToNumber,
  multiplyDecimal,
} from '../../src/decimal.ts';
import type { SenmlRecord } from '../../src/senml.ts';
import { waveformFields } from '../../src/waveform.ts';
import { cutFrames, FRAME_SECONDS, type Frame, sampleRecords, sampleTime } from '../frame.ts';
import { toSamples } from './samples.ts';
import { fault, parseColumns, parseWhole, RecordingError, requireLine, splitLines } from './text.ts';

/** Evenly spaced rows. */
export interface Series {
  /** Unix seconds. */
  readonly startedAt: number;
  /** Rows a second. */
  readonly rate: number;
  readonly rows: readonly (readonly Decimal[])[];
}

/** One inter-beat interval. */
export interface Beat {
  /** Seconds since the start of the session. */
  readonly time: Decimal;
  /** Seconds since the beat before. */
  readonly interval: Decimal;
}

/** Reads any of the evenly spaced files. Throws RecordingError. */
export function parseSeries(file: string, text: string, columns: number): Series {
  const [startLine, rateLine, ...rows] = splitLines(file, text);
  if (!startLine || !rateLine) throw new RecordingError(file, 1, 'ends before its start time and rate');
  const startedAt = parseWhole(startLine, firstCell(startLine.text, columns), 0, 'start time');
  const rate = parseWhole(rateLine, firstCell(rateLine.text, columns), 1, 'rate');
  return { startedAt, rate, rows: rows.map((line) => parseColumns(line, ',', columns)) };
}

/** Reads IBI.csv. Throws RecordingError, also when a beat comes before the one above it. */
export function parseBeats(file: string, text: string): { startedAt: number; beats: Beat[] } {
  const lines = splitLines(file, text);
  const head = requireLine(file, lines, 0, 'its start time');
  const startedAt = parseWhole(head, firstCell(head.text, 2), 0, 'start time');
  let latest = -1;
  const beats = lines.slice(1).map((line) => {
    const [time, interval] = parseColumns(line, ',', 2);
    if (time === undefined || interval === undefined) throw fault(line, 'no interval');
    const seconds = decimalToNumber(time);
    if (seconds <= latest) throw fault(line, 'a beat that is not after the one before');
    latest = seconds;
    return { time, interval };
  });
  return { startedAt, beats };
}

function firstCell(text: string, columns: number): string {
  return columns === 1 ? text : (text.split(',')[0] ?? '');
}

/** Frames of plain values: heart rate, electrodermal activity, blood-volume pulse. */
export function seriesFrames(
  series: Series,
  session: number,
  options: { subject: string; name: string; unit: string; seconds: number; scale?: Decimal },
): Frame[] {
  const { subject, name, unit, seconds, scale = decimal('1') } = options;
  const offset = series.startedAt - session;
  const timed = series.rows.map(([value = decimal('0')], i) => ({ i, value: multiplyDecimal(value, scale) }));
  return cutFrames(
    subject,
    seconds,
    timed,
    ({ i }) => offset + i / series.rate,
    (rows, start) =>
      sampleRecords(
        name,
        unit,
        rows.map(({ i, value }) => ({
          time: sampleTime(i + (offset - start) * series.rate, series.rate),
          value,
        })),
      ),
  );
}

/** Frames of waveforms, one record for each column: skin temperature, acceleration. */
export function waveFrames(
  series: Series,
  session: number,
  options: {
    subject: string;
    names: readonly string[];
    unit: string;
    seconds: number;
    places: number;
    scale: Decimal;
  },
): Frame[] {
  const { subject, names, unit, seconds, places, scale } = options;
  const offset = series.startedAt - session;
  const step = multiplyDecimal(scale, { mantissa: 1n, exponent: -places });
  return cutFrames(
    subject,
    seconds,
    series.rows.keys(),
    (i) => offset + i / series.rate,
    (indices, start) =>
      names.map((name, column): SenmlRecord => {
        const values = indices.map((i) => series.rows[i]?.[column] ?? decimal('0'));
        const first = sampleTime((indices[0] ?? 0) + (offset - start) * series.rate, series.rate);
        return {
          baseName: name,
          baseUnit: unit,
          ...(first.mantissa !== 0n && { time: first }),
          ...waveformFields({
            samples: toSamples(values, places),
            scale: step,
            origin: decimal('0'),
            period: sampleTime(1, series.rate),
          }),
        };
      }),
  );
}

/** Frames of inter-beat intervals, each at the time of the beat that ends it. */
export function beatFrames(beats: readonly Beat[], offset: number): Frame[] {
  return cutFrames(
    'vitals',
    FRAME_SECONDS,
    beats,
    ({ time }) => offset + decimalToNumber(time),
    (members, start) =>
      sampleRecords(
        'ibi',
        's',
        members.map(({ time, interval }) => ({
          time: addDecimal(time, decimalFromInteger(offset - start)),
          value: interval,
        })),
      ),
  );
}
