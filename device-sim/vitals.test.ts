import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalToNumber } from '../src/decimal.ts';
import { inspectPayload } from '../src/payload.ts';
import { decodeSenml, resolveSenml } from '../src/senml.ts';
import { Body, type Vitals } from './body.ts';
import { synthesizeEcg } from './ecg.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { syntheticFrames } from './vitals.ts';

const MIDNIGHT = 1_699_920_000;

function take(seed: string, count: number): Frame[] {
  const frames: Frame[] = [];
  for (const frame of syntheticFrames(seed, MIDNIGHT)) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return frames;
}

function live(seed: string, seconds: number): Vitals[] {
  const body = new Body(seed, MIDNIGHT);
  return Array.from({ length: seconds }, () => body.advance());
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const products = mean(a.map((value, i) => (value - meanA) * ((b[i] ?? 0) - meanB)));
  const spread = (values: readonly number[], centre: number) =>
    Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
  return products / (spread(a, meanA) * spread(b, meanB));
}

describe('synthetic frames', () => {
  it('repeat under a seed and differ between seeds', () => {
    const bytes = (seed: string) => take(seed, 30).map((frame) => encodeFrame(frame, MIDNIGHT, true));
    expect(bytes('a')).toEqual(bytes('a'));
    expect(bytes('a')).not.toEqual(bytes('b'));
  });

  it('are packs marked as test data, plausible throughout, whatever the seed', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        let latest = 0;
        for (const frame of take(seed, 60)) {
          expect(frame.end).toBeGreaterThanOrEqual(latest);
          latest = frame.end;
          const payload = encodeFrame(frame, MIDNIGHT, true);
          expect(inspectPayload(112, payload)).toEqual({ kind: 'ok', value: { flags: ['test-data'] } });
        }
      }),
      { numRuns: 20 },
    );
  });

  it('carry a pulse every second, at its time', () => {
    const [frame] = take('a', 10).filter(({ subject, start }) => subject === 'vitals' && start === 60);
    if (!frame) throw new Error('no vitals');
    const pack = decodeSenml(encodeFrame(frame, MIDNIGHT, true));
    if (pack.kind === 'reject') throw new Error(pack.detail);
    const pulses = resolveSenml(pack.value).filter(({ name }) => name === 'hr');
    expect(pulses.map(({ time }) => decimalToNumber(time.seconds))).toEqual(
      Array.from({ length: 60 }, (_, i) => MIDNIGHT + 60 + i),
    );
    expect(encodeFrame(frame, MIDNIGHT, true).length).toBeLessThan(1024);
  });

  it('announce the secondary unit of the ECG', () => {
    const [frame] = take('a', 3).filter(({ subject }) => subject === 'ecg');
    const pack = frame && decodeSenml(encodeFrame(frame, MIDNIGHT, true));
    expect(pack?.kind === 'ok' && pack.value[0]?.baseVersion).toBe(26);
  });
});

describe('the body', () => {
  // Two days, so that rest, effort, sleep and meals are all in it.
  const days = live('somebody', 2 * 86_400);
  const hours = (from: number, to: number) =>
    days.filter((_, i) => {
      const hour = (i % 86_400) / 3600;
      return hour >= from && hour < to;
    });

  it('moves its quantities together', () => {
    // By day: sleep lowers pulse and saturation both, which would hide what effort does.
    const awake = hours(8, 22);
    const hr = awake.map(({ heartRate }) => heartRate);
    const withPulse = (of: (vitals: Vitals) => number) => correlation(hr, awake.map(of));
    expect(withPulse(({ respiration }) => respiration)).toBeGreaterThan(0.7);
    expect(withPulse(({ systolic }) => systolic)).toBeGreaterThan(0.7);
    expect(withPulse(({ saturation }) => saturation)).toBeLessThan(-0.3);
    expect(withPulse(({ temperature }) => temperature)).toBeGreaterThan(0.3);
  });

  it('has a day: slower at night, exertion by day, glucose after meals', () => {
    const hr = (vitals: readonly Vitals[]) => mean(vitals.map(({ heartRate }) => heartRate));
    expect(hr(hours(1, 5))).toBeLessThan(hr(hours(9, 20)) - 5);
    expect(Math.max(...hours(7, 23).map(({ heartRate }) => heartRate))).toBeGreaterThan(100);
    const glucose = (vitals: readonly Vitals[]) => mean(vitals.map((v) => v.glucose));
    expect(glucose(hours(13, 13.5))).toBeGreaterThan(glucose(hours(3, 6)) + 15);
    expect(hours(0, 6).every(({ steps }) => steps === 0)).toBe(true);
  });

  it('breathes into the time between beats', () => {
    const night = days.slice(3600, 3900);
    const deviation = night.map(({ interval, heartRate }) => interval - 60 / heartRate);
    expect(Math.max(...deviation)).toBeGreaterThan(0.02);
    expect(Math.min(...deviation)).toBeLessThan(-0.02);
  });
});

describe('the ECG', () => {
  it('has one R wave per beat, where the intervals put it', () => {
    const intervals = [0.8, 0.9, 1, 0.7];
    const signal = synthesizeEcg(intervals, 250);
    expect(signal.length).toBe(850);
    const peaks = [...signal.keys()].filter(
      (i) =>
        (signal[i] ?? 0) > 0.8 &&
        (signal[i] ?? 0) >= (signal[i - 1] ?? 0) &&
        (signal[i] ?? 0) > (signal[i + 1] ?? 0),
    );
    const expected = [0.32, 0.8 + 0.36, 1.7 + 0.4, 2.7 + 0.28].map((seconds) => Math.round(seconds * 250));
    expect(peaks).toEqual(expected);
  });
});
