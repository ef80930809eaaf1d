/**
 * BioSPPy's "Simple Text Format": header lines "# Key:= value", then a row per sample.
 *
 * Signals with a header "Resolution:= 12" are raw counts of a 12-bit converter. Neither gain nor offset was recorded,
 * so they stay raw counts (SenML unit "/"), never millivolts by guess.
 */
import { type Decimal, decimal } from '../../src/decimal.ts';
import { waveformFields } from '../../src/waveform.ts';
import { cutFrames, type Frame, sampleTime } from '../frame.ts';
import { toSamples } from './samples.ts';
import { parseColumns, parseWhole, RecordingError, splitLines } from './text.ts';

/** One channel or several, evenly spaced. */
export interface Signal {
  /** Rows a second. */
  readonly rate: number;
  /** Bits of the converter; 0 when values are not raw counts. */
  readonly resolution: number;
  readonly labels: readonly string[];
  readonly rows: readonly (readonly Decimal[])[];
}

const HEADER = /^# ([^:]+):= (.*)$/;

/** Reads the file. Throws RecordingError. */
export function parseSignal(file: string, text: string): Signal {
  const lines = splitLines(file, text);
  const headerEnd = lines.findIndex((line) => !line.text.startsWith('#'));
  if (headerEnd < 0) throw new RecordingError(file, lines.length + 1, 'ends before its first sample');
  const header = new Map<string, { text: string; line: (typeof lines)[number] }>();
  for (const line of lines.slice(0, headerEnd)) {
    const match = HEADER.exec(line.text);
    if (match?.[1] && match[2] !== undefined) header.set(match[1], { text: match[2], line });
  }
  const field = (name: string) => {
    const found = header.get(name);
    if (!found) throw new RecordingError(file, 1, `no header line "${name}"`);
    return found;
  };
  const rateField = field('Sampling Rate (Hz)');
  const resolutionField = field('Resolution');
  const labels = field('Labels').text.split('\t');
  const rows = lines.slice(headerEnd).map((line) => parseColumns(line, '\t', labels.length));
  return {
    rate: parseWhole(rateField.line, rateField.text, 1, 'rate'),
    resolution: parseWhole(resolutionField.line, resolutionField.text, 0, 'resolution'),
    labels,
    rows,
  };
}

/** Seconds of a 1 kHz signal in one frame: 8 KB of samples. */
const SECONDS_PER_FRAME = 4;

/** Frames of the first channel as raw counts. */
export function rawFrames(signal: Signal, subject: string, name: string): Frame[] {
  return cutFrames(
    subject,
    SECONDS_PER_FRAME,
    signal.rows.keys(),
    (i) => i / signal.rate,
    (indices) => [
      {
        baseName: name,
        baseUnit: '/',
        ...waveformFields({
          samples: toSamples(
            indices.map((i) => signal.rows[i]?.[0] ?? decimal('0')),
            0,
          ),
          scale: decimal('1'),
          origin: decimal('0'),
          period: sampleTime(1, signal.rate),
        }),
      },
    ],
  );
}
