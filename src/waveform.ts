/**
 * Waveforms: evenly spaced samples in one SenML record.
 *
 * The data value holds the samples as little-endian int16; three extension fields say what they mean. RFC 8428
 * section 6 gives extensions text labels, and a reader that does not know these still sees name, unit, time and data.
 *
 * ```cddl
 * waveform-record = {
 *   ? 0 => tstr, ? 1 => tstr, ? 6 => number   ; name, unit of the values, time of the first sample
 *   8 => bstr                                 ; int16 samples, little-endian, at least one
 *   "scale" => decimal                        ; not 0
 *   "period" => decimal                       ; seconds between samples, above 0
 *   ? "origin" => decimal                     ; 0 when absent
 * }
 * decimal = int / #6.4([int, int])
 * ```
 *
 * The value of sample i is origin + scale * sample_i, at time t + i * period. Channels are separate records.
 */
import type { CborValue } from './cbor.ts';
import { addDecimal, type Decimal, decimal, decimalFromInteger, multiplyDecimal } from './decimal.ts';
import { decimalFromCbor, decimalToCbor } from './decimal-cbor.ts';
import type { SenmlRecord } from './senml.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** Samples and what they mean. */
export interface Waveform {
  readonly samples: Int16Array;
  /** The step from one sample value to the next, in the record's unit; never 0. */
  readonly scale: Decimal;
  /** The value of a sample of 0, in the record's unit. */
  readonly origin: Decimal;
  /** Seconds from one sample to the next, above 0. */
  readonly period: Decimal;
}

const BYTES_PER_SAMPLE = 2;
const LABELS = ['scale', 'origin', 'period'] as const;
type Label = (typeof LABELS)[number];
const ZERO = decimal('0');

/**
 * The record fields that carry a waveform, to be spread into a record with its name, unit and time.
 * Throws RangeError without samples, for a scale of 0 and for a period that is not above 0.
 */
export function waveformFields(waveform: Waveform): Required<Pick<SenmlRecord, 'value' | 'extensions'>> {
  const problem = findProblem(waveform);
  if (problem !== undefined) throw new RangeError(`waveform: ${problem}`);
  const { samples, scale, origin, period } = waveform;
  const data = new Uint8Array(samples.length * BYTES_PER_SAMPLE);
  const view = new DataView(data.buffer);
  for (const [i, sample] of samples.entries()) view.setInt16(i * BYTES_PER_SAMPLE, sample, true);
  const extensions = new Map<string, CborValue>([
    ['scale', decimalToCbor(scale)],
    ['period', decimalToCbor(period)],
  ]);
  if (origin.mantissa !== 0n) extensions.set('origin', decimalToCbor(origin));
  return { value: { kind: 'data', value: data }, extensions };
}

/**
 * The waveform in a record, resolved or not; `undefined` when none of its fields is there, so that the record is
 * something else. Refuses a record that has some of the fields and does not make sense.
 */
export function readWaveform(
  record: Pick<SenmlRecord, 'value' | 'extensions'>,
): Parsed<Waveform | undefined, 'malformed' | 'not-deterministic'> {
  const { value, extensions } = record;
  if (!extensions || !LABELS.some((label) => extensions.has(label))) return ok(undefined);
  if (value?.kind !== 'data') return reject('malformed', 'field vd: a waveform without samples');
  if (value.value.length % BYTES_PER_SAMPLE !== 0) {
    return reject('malformed', 'field vd: a waveform with half a sample');
  }
  const numbers: Record<Label, Decimal> = { scale: ZERO, origin: ZERO, period: ZERO };
  for (const label of LABELS) {
    const item = extensions.get(label);
    if (item === undefined) continue;
    const parsed = decimalFromCbor(item);
    if (parsed.kind === 'reject') return reject(parsed.code, `field ${label}: ${parsed.detail}`);
    numbers[label] = parsed.value;
  }
  const waveform = { samples: readSamples(value.value), ...numbers };
  const problem = findProblem(waveform);
  return problem === undefined ? ok(waveform) : reject('malformed', problem);
}

/** The exact value of one sample. Throws RangeError when there is no sample `index`. */
export function waveformValue(waveform: Waveform, index: number): Decimal {
  const sample = waveform.samples[index];
  if (sample === undefined) throw new RangeError(`index: no sample ${index}`);
  return addDecimal(waveform.origin, multiplyDecimal(waveform.scale, decimalFromInteger(sample)));
}

/** The smallest and largest value, for range checks; a negative scale turns the order of the samples round. */
export function waveformExtremes(waveform: Waveform): readonly [low: Decimal, high: Decimal] {
  let least = 0;
  let most = 0;
  const { samples, scale } = waveform;
  for (const [i, sample] of samples.entries()) {
    if (sample < (samples[least] ?? sample)) least = i;
    if (sample > (samples[most] ?? sample)) most = i;
  }
  const [low, high] = scale.mantissa < 0n ? [most, least] : [least, most];
  return [waveformValue(waveform, low), waveformValue(waveform, high)];
}

function readSamples(data: Uint8Array): Int16Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Int16Array.from({ length: data.length / BYTES_PER_SAMPLE }, (_, i) =>
    view.getInt16(i * BYTES_PER_SAMPLE, true),
  );
}

function findProblem({ samples, scale, period }: Waveform): string | undefined {
  if (samples.length === 0) return 'field vd: a waveform without samples';
  if (scale.mantissa === 0n) return 'field scale: missing or 0';
  if (period.mantissa <= 0n) return 'field period: missing or not above 0';
  return undefined;
}
