import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from './bytes.ts';
import { CborFloat, encodeCbor } from './cbor.ts';
import { decimal } from './decimal.ts';
import { inspectPayload, SENML_CONTENT_FORMAT, TEST_DATA_RECORD } from './payload.ts';
import { encodeSenml, type SenmlRecord, type SenmlValue } from './senml.ts';
import { VOCABULARY } from './vocabulary.ts';
import { waveformFields } from './waveform.ts';

const number = (text: string): SenmlValue => ({ kind: 'number', value: decimal(text) });
const record = (name: string, value: string, unit?: string): SenmlRecord => ({
  name,
  ...(unit !== undefined && { unit }),
  value: { kind: 'number', value: decimal(value) },
});

function flagsOf(...records: SenmlRecord[]): string {
  const inspected = inspectPayload(SENML_CONTENT_FORMAT, encodeSenml(records));
  return inspected.kind === 'ok' ? inspected.value.flags.join(' ') : `${inspected.code}: ${inspected.detail}`;
}

describe('plausibility', () => {
  it('accepts both ends of every range and flags what lies beyond, in every unit', () => {
    for (const { name, units } of VOCABULARY.values()) {
      for (const { senml, low, high } of units) {
        if (!low || !high) continue;
        const value = (d: typeof low): SenmlRecord => ({
          name,
          unit: senml,
          value: { kind: 'number', value: d },
        });
        expect([name, senml, flagsOf(value(low), value(high))]).toEqual([name, senml, '']);
        const below = { mantissa: low.mantissa * 1000n - 1n, exponent: low.exponent - 3 };
        const above = { mantissa: high.mantissa * 1000n + 1n, exponent: high.exponent - 3 };
        expect([name, senml, flagsOf(value(below))]).toEqual([name, senml, 'implausible']);
        expect([name, senml, flagsOf(value(above))]).toEqual([name, senml, 'implausible']);
      }
    }
  });

  it('looks at resolved records', () => {
    const hr = record('hr', '0');
    expect(flagsOf({ ...hr, baseValue: decimal('72'), baseName: 'urn:dev:mac:0024befffe804ff1_' })).toBe('');
    expect(flagsOf({ ...record('hr', '72'), baseUnit: 'beat/min' }, record('resp', '90'))).toBe(
      'implausible',
    );
    expect(flagsOf({ ...record('hr', '72'), baseUnit: 'Cel' })).toBe('implausible');
    expect(flagsOf({ name: 'hr', sum: decimal('100000') })).toBe('');
  });

  it('flags a unit or a type that is not the name’s, and never an unknown name', () => {
    expect(flagsOf(record('temp', '37', '1/min'))).toBe('implausible');
    expect(flagsOf({ name: 'temp', value: { kind: 'string', value: 'warm' } })).toBe('implausible');
    expect(flagsOf({ name: 'temp', value: { kind: 'data', value: Uint8Array.of(1, 2, 3) } })).toBe(
      'implausible',
    );
    expect(flagsOf(record('mood', '1e1000', 'anything'))).toBe('');
    expect(flagsOf({ name: 'note', value: { kind: 'string', value: 'after lunch' } })).toBe('');
  });

  it('reads floats of standard senders and waveforms', () => {
    const float = encodeCbor([
      new Map<number, string | CborFloat>([
        [0, 'temp'],
        [2, new CborFloat(36.6)],
      ]),
    ]); // prettier-ignore
    expect(inspectPayload(112, float)).toEqual({ kind: 'ok', value: { flags: [] } });
    const wave = (origin: string): SenmlRecord => ({
      name: 'hr',
      ...waveformFields({
        samples: Int16Array.of(0, 10),
        scale: decimal('1'),
        origin: decimal(origin),
        period: decimal('1'),
      }),
    });
    expect(flagsOf(wave('100'))).toBe('');
    expect(flagsOf(wave('15'))).toBe('implausible');
    expect(flagsOf(wave('295'))).toBe('implausible');
  });
});

describe('test data', () => {
  it('is marked for the whole pack by one record', () => {
    expect(flagsOf(TEST_DATA_RECORD, record('hr', '72'))).toBe('test-data');
    expect(
      flagsOf({ ...record('hr', '999'), baseName: 'urn:dev:mac:0024befffe804ff1_' }, TEST_DATA_RECORD),
    ).toBe('implausible test-data');
    expect(flagsOf({ name: 'test-data', value: { kind: 'boolean', value: false } })).toBe('');
    expect(flagsOf({ name: 'test-data', value: number('1') })).toBe('');
    expect(flagsOf({ name: 'contest-data', value: { kind: 'boolean', value: true } })).toBe('');
  });
});

describe('content types', () => {
  it('opens SenML only', () => {
    const garbage = utf8ToBytes('not a pack');
    for (const type of [0, 110, 60, 'application/octet-stream', 'application/senml+json']) {
      expect(inspectPayload(type, garbage)).toEqual({ kind: 'ok', value: { flags: [] } });
    }
    expect(inspectPayload(112, garbage)).toMatchObject({ kind: 'reject', code: 'malformed' });
    expect(inspectPayload('application/senml+cbor', garbage)).toMatchObject({
      kind: 'reject',
      code: 'malformed',
    });
  });

  it('refuses a waveform that makes no sense, naming the record', () => {
    const odd: SenmlRecord = {
      name: 'ecg',
      value: { kind: 'data', value: new Uint8Array(3) },
      extensions: new Map([['scale', 1]]),
    };
    expect(flagsOf(record('hr', '72'), odd)).toBe(
      'malformed: record 1: field vd: a waveform with half a sample',
    );
  });

  it('never throws on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['ok', 'reject']).toContain(inspectPayload(112, bytes).kind);
      }),
    );
  });
});
