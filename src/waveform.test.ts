import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { CborFloat, CborTag, type CborValue } from './cbor.ts';
import { compareDecimal, decimal, formatDecimal } from './decimal.ts';
import { decodeSenml, encodeSenml, type SenmlRecord, type SenmlValue } from './senml.ts';
import { readWaveform, type Waveform, waveformExtremes, waveformFields, waveformValue } from './waveform.ts';

const ECG: Waveform = {
  samples: Int16Array.of(0, 1, -1, 32767, -32768),
  scale: decimal('0.005'),
  origin: decimal('-1.5'),
  period: decimal('0.004'),
};

function roundTrip(waveform: Waveform): Waveform | undefined {
  const pack = decodeSenml(encodeSenml([{ name: 'ecg', unit: 'mV', ...waveformFields(waveform) }]));
  if (pack.kind === 'reject' || !pack.value[0]) throw new Error('not a pack');
  const read = readWaveform(pack.value[0]);
  if (read.kind === 'reject') throw new Error(read.detail);
  return read.value;
}

const places = fc.integer({ min: -30, max: 30 });
const positive = fc.record({ mantissa: fc.bigInt({ min: 1n, max: 10n ** 20n }), exponent: places });
const anyDecimal = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
  exponent: places,
});
const anyWaveform = fc.record({
  samples: fc.int16Array({ minLength: 1, maxLength: 300 }),
  scale: fc
    .tuple(positive, fc.boolean())
    .map(([d, negative]) => ({ ...d, mantissa: negative ? -d.mantissa : d.mantissa })),
  origin: anyDecimal.map((d) => (d.mantissa === 0n ? decimal('0') : d)),
  period: positive,
});

describe('a waveform record', () => {
  it('has this form on the wire', () => {
    const bytes = encodeSenml([{ name: 'ecg', unit: 'mV', ...waveformFields(ECG) }]);
    expect(bytesToHex(bytes)).toMatchInlineSnapshot(
      `"81a6006365636701626d56084a00000100ffffff7f0080657363616c65c4822205666f726967696ec482202e66706572696f64c4822204"`,
    );
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(anyWaveform, (waveform) => {
        expect(roundTrip(waveform)).toEqual(waveform);
      }),
    );
    const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
    expect(roundTrip({ ...ECG, samples: all })?.samples).toEqual(all);
  });

  it('gives exact values', () => {
    expect([0, 1, 2, 3, 4].map((i) => formatDecimal(waveformValue(ECG, i)))).toEqual([
      '-1.500',
      '-1.495',
      '-1.505',
      '162.335',
      '-165.340',
    ]);
    expect(() => waveformValue(ECG, 5)).toThrow(RangeError);
  });

  it('knows its extremes under either sign of the scale', () => {
    fc.assert(
      fc.property(anyWaveform, (waveform) => {
        const [low, high] = waveformExtremes(waveform);
        for (const i of waveform.samples.keys()) {
          const value = waveformValue(waveform, i);
          expect(compareDecimal(low, value)).toBeLessThanOrEqual(0);
          expect(compareDecimal(value, high)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});

describe('what is refused', () => {
  const data = (bytes: number): SenmlValue => ({ kind: 'data', value: new Uint8Array(bytes) });
  const fields = (...entries: [string, CborValue][]): ReadonlyMap<string, CborValue> => new Map(entries);
  const outcome = (record: SenmlRecord): string => {
    const read = readWaveform(record);
    if (read.kind === 'reject') return `${read.code}: ${read.detail}`;
    return read.value ? 'a waveform' : 'no waveform';
  };

  it('is told from records that are no waveforms at all', () => {
    const whole = fields(['scale', 1], ['period', 1]);
    expect({
      'data alone': outcome({ name: 'x', value: data(3) }),
      'another extension': outcome({ name: 'x', value: data(3), extensions: fields(['ct', '60']) }),
      'the least there is': outcome({ name: 'x', value: data(2), extensions: whole }),
      'no data': outcome({ name: 'x', extensions: whole }),
      'text for data': outcome({ name: 'x', value: { kind: 'string', value: 'ab' }, extensions: whole }),
      'half a sample': outcome({ name: 'x', value: data(3), extensions: whole }),
      'no sample': outcome({ name: 'x', value: data(0), extensions: whole }),
      'no scale': outcome({ name: 'x', value: data(2), extensions: fields(['period', 1]) }),
      'scale 0': outcome({ name: 'x', value: data(2), extensions: fields(['scale', 0], ['period', 1]) }),
      'no period': outcome({ name: 'x', value: data(2), extensions: fields(['scale', 1]) }),
      'period below 0': outcome({
        name: 'x',
        value: data(2),
        extensions: fields(['scale', 1], ['period', -1]),
      }),
      'only an origin': outcome({ name: 'x', value: data(2), extensions: fields(['origin', 1]) }),
      'text for scale': outcome({
        name: 'x',
        value: data(2),
        extensions: fields(['scale', 'a'], ['period', 1]),
      }),
      'scale of exponent 0': outcome({
        name: 'x',
        value: data(2),
        extensions: fields(['scale', new CborTag(4, [0, 1])]),
      }),
      'scale NaN': outcome({
        name: 'x',
        value: data(2),
        extensions: fields(['scale', new CborFloat(Number.NaN)]),
      }),
    }).toMatchInlineSnapshot(`
      {
        "another extension": "no waveform",
        "data alone": "no waveform",
        "half a sample": "malformed: field vd: a waveform with half a sample",
        "no data": "malformed: field vd: a waveform without samples",
        "no period": "malformed: field period: missing or not above 0",
        "no sample": "malformed: field vd: a waveform without samples",
        "no scale": "malformed: field scale: missing or 0",
        "only an origin": "malformed: field scale: missing or 0",
        "period below 0": "malformed: field period: missing or not above 0",
        "scale 0": "malformed: field scale: missing or 0",
        "scale NaN": "malformed: field scale: not a finite number",
        "scale of exponent 0": "not-deterministic: field scale: a decimal fraction of exponent 0 is written as an integer",
        "text for data": "malformed: field vd: a waveform without samples",
        "text for scale": "malformed: field scale: not a number",
        "the least there is": "a waveform",
      }
    `);
  });

  it('is not written either', () => {
    expect(() => waveformFields({ ...ECG, samples: new Int16Array(0) })).toThrow(RangeError);
    expect(() => waveformFields({ ...ECG, scale: decimal('0.0') })).toThrow(RangeError);
    expect(() => waveformFields({ ...ECG, period: decimal('-1') })).toThrow(RangeError);
  });
});
