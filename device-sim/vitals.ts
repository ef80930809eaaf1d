/** Frames of a synthetic body, for when there are no recordings. Always test data. */
import { type Decimal, decimal, parseDecimal } from '../src/decimal.ts';
import type { SenmlRecord } from '../src/senml.ts';
import { waveformFields } from '../src/waveform.ts';
import { Body, type Vitals } from './body.ts';
import { synthesizeEcg } from './ecg.ts';
import { FRAME_SECONDS, type Frame, type Sample, sampleRecords } from './frame.ts';

const SLOW_SECONDS = 15;
const GLUCOSE_SECONDS = 300;
const BLOOD_PRESSURE_SECONDS = 900;
const ECG_EVERY_SECONDS = 300;
const ECG_SECONDS = 10;
const ECG_RATE = 250;
// Five microvolts a step: finer than a wearable resolves, and a range of +-164 mV.
const ECG_STEP = decimal('0.005');

/**
 * Frames without end, in the order of their ends: vitals each minute (pulse every second; breath and saturation every
 * 15; temperature; steps; a blood pressure every quarter of an hour), glucose every five minutes, ten seconds of ECG
 * every five minutes. The same seed and start give the same frames.
 */
export function* syntheticFrames(seed: string, startedAt: number): Generator<Frame, never> {
  const body = new Body(seed, startedAt);
  for (let start = 0; ; start += FRAME_SECONDS) {
    const minute = Array.from({ length: FRAME_SECONDS }, () => body.advance());
    const end = start + FRAME_SECONDS;
    if (start % ECG_EVERY_SECONDS === 0) yield ecgFrame(minute, start);
    yield { subject: 'vitals', start, end, records: vitalsRecords(minute, start) };
    const last = minute.at(-1);
    if (last && end % GLUCOSE_SECONDS === 0) {
      const value = rounded(last.glucose, 0);
      const records = sampleRecords('glucose', 'mg/dL', [{ time: decimal('0'), value }]);
      yield { subject: 'glucose', start: end, end, records };
    }
  }
}

function vitalsRecords(minute: readonly Vitals[], start: number): SenmlRecord[] {
  const every = (seconds: number, places: number, of: (vitals: Vitals) => number): Sample[] =>
    minute.flatMap((vitals, i) =>
      i % seconds === 0 ? [{ time: rounded(i, 0), value: rounded(of(vitals), places) }] : [],
    );
  const steps = Math.round(minute.reduce((sum, vitals) => sum + vitals.steps, 0));
  const hasPressure = start % BLOOD_PRESSURE_SECONDS === 0;
  const once = (of: (vitals: Vitals) => number) => every(FRAME_SECONDS, 0, of);
  return [
    ...sampleRecords(
      'hr',
      '1/min',
      every(1, 0, (vitals) => vitals.heartRate),
    ),
    ...sampleRecords(
      'resp',
      '1/min',
      every(SLOW_SECONDS, 0, (vitals) => vitals.respiration),
    ),
    ...sampleRecords(
      'spo2',
      '%',
      every(SLOW_SECONDS, 0, (vitals) => vitals.saturation),
    ),
    ...sampleRecords(
      'temp',
      'Cel',
      every(FRAME_SECONDS, 2, (vitals) => vitals.temperature),
    ),
    ...sampleRecords('steps', 'count', [{ time: decimal('0'), value: rounded(steps, 0) }]),
    ...(hasPressure
      ? sampleRecords(
          'bp-sys',
          'mm[Hg]',
          once((vitals) => vitals.systolic),
        )
      : []),
    ...(hasPressure
      ? sampleRecords(
          'bp-dia',
          'mm[Hg]',
          once((vitals) => vitals.diastolic),
        )
      : []),
  ];
}

function ecgFrame(minute: readonly Vitals[], start: number): Frame {
  const intervals: number[] = [];
  for (let time = 0; time < ECG_SECONDS; ) {
    const interval = minute[Math.floor(time)]?.interval ?? 1;
    intervals.push(interval);
    time += interval;
  }
  const signal = synthesizeEcg(intervals, ECG_RATE).subarray(0, ECG_SECONDS * ECG_RATE);
  const samples = Int16Array.from(signal, (millivolts) => Math.round(millivolts / 0.005));
  const fields = waveformFields({ samples, scale: ECG_STEP, origin: decimal('0'), period: decimal('0.004') });
  const records = [{ baseName: 'ecg', baseUnit: 'mV', ...fields }];
  return { subject: 'ecg', start, end: start + ECG_SECONDS, records };
}

function rounded(value: number, places: number): Decimal {
  return parseDecimal(value.toFixed(places)) ?? decimal('0');
}
