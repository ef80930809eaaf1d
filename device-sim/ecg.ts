/**
 * A synthetic electrocardiogram: each beat is a sum of five Gaussians, the waves P, Q, R, S and T (the shape used by
 * McSharry et al., IEEE Trans. Biomed. Eng. 50(3), 2003), at places that scale with the interval as Bazett's formula has it.
 */

/** Millivolts, seconds from the R wave at an interval of one second, and width in seconds. */
const WAVES = [
  { peak: 0.12, at: -0.18, width: 0.025 },
  { peak: -0.1, at: -0.035, width: 0.01 },
  { peak: 1.1, at: 0, width: 0.011 },
  { peak: -0.22, at: 0.035, width: 0.011 },
  { peak: 0.28, at: 0.28, width: 0.045 },
] as const;

// Beyond this many widths a Gaussian is less than a microvolt.
const REACH = 5;

/** Millivolts at `rate` samples a second, for as long as the intervals (seconds, above 0) last together. */
export function synthesizeEcg(intervals: readonly number[], rate: number): Float64Array {
  const duration = intervals.reduce((sum, interval) => sum + interval, 0);
  const signal = new Float64Array(Math.round(duration * rate));
  let start = 0;
  for (const interval of intervals) {
    // The R wave stands well inside the beat, so that the waves before it have room.
    const r = start + 0.4 * interval;
    for (const { peak, at, width } of WAVES)
      addGaussian(signal, rate, r + at * Math.sqrt(interval), peak, width);
    start += interval;
  }
  return signal;
}

function addGaussian(signal: Float64Array, rate: number, centre: number, peak: number, width: number): void {
  const first = Math.max(0, Math.ceil((centre - REACH * width) * rate));
  const last = Math.min(signal.length - 1, Math.floor((centre + REACH * width) * rate));
  for (let i = first; i <= last; i++) {
    signal[i] = (signal[i] ?? 0) + peak * Math.exp(-(((i / rate - centre) / width) ** 2) / 2);
  }
}
