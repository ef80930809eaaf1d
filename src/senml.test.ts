import { existsSync, readFileSync } from 'node:fs';
import { decode as decodeAnyCbor } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { CborFloat, CborTag, type CborValue, encodeCbor } from './cbor.ts';
import { compareDecimal, decimal, decimalToNumber, formatDecimal, parseDecimal } from './decimal.ts';
import { decodeSenml, encodeSenml, type ResolvedRecord, resolveSenml, type SenmlPack } from './senml.ts';

const VECTORS = new URL('../../shared/data/vectors/senml/', import.meta.url);
const missing = !existsSync(VECTORS);
// The moment at which the authors of the vectors resolved them.
const VECTORS_NOW = 1498780179;

const JSON_LABELS: Record<string, number> = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
}; // prettier-ignore

/** A JSON pack with its numbers as they are written: SenML loses nothing, JSON.parse would. */
function parseJsonPack(text: string): Record<string, unknown>[] {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? parseDecimal(context?.source ?? '') : value,
  ) as Record<string, unknown>[];
}

function toCbor(value: unknown): CborValue {
  if (typeof value !== 'object' || value === null) return value as CborValue;
  const { mantissa, exponent } = value as { mantissa: bigint; exponent: number };
  return exponent === 0 ? mantissa : new CborTag(4, [exponent, mantissa]);
}

function packFromJson(text: string): Uint8Array {
  const records = parseJsonPack(text).map(
    (record) =>
      new Map(Object.entries(record).map(([key, value]) => [JSON_LABELS[key] ?? key, toCbor(value)])),
  );
  return encodeCbor(records);
}

function decodeOk(bytes: Uint8Array): SenmlPack {
  const parsed = decodeSenml(bytes);
  if (parsed.kind === 'reject') throw new Error(`${parsed.code}: ${parsed.detail}`);
  return parsed.value;
}

/** A resolved record in the form of the published *.resolved.json, to double precision. */
function toResolvedJson(record: ResolvedRecord): Record<string, unknown> {
  if (record.value?.kind !== 'number') throw new Error('the vectors hold numbers only');
  expect(record.time.kind).toBe('absolute');
  return {
    n: record.name,
    u: record.unit,
    t: decimalToNumber(record.time.seconds),
    v: decimalToNumber(record.value.value),
  };
}

describe.skipIf(missing)('RFC 8428 examples (skipped without ../shared/data)', () => {
  const read = (name: string): string => readFileSync(new URL(name, VECTORS), 'utf8');

  it.each([1, 2, 3, 4, 5, 6])('example %i resolves as published', (n) => {
    const resolved = JSON.parse(read(`ex${n}.gen.resolved.json`)) as unknown;
    for (const form of [`ex${n}.gen.json`, `ex${n}.json`]) {
      const pack = decodeOk(packFromJson(read(form)));
      expect(resolveSenml(pack, VECTORS_NOW).map(toResolvedJson)).toEqual(resolved);
    }
  });

  it.each([1, 2, 3, 4, 5, 6])('example %i keeps the digits its authors wrote', (n) => {
    const text = read(`ex${n}.json`);
    const written = parseJsonPack(text).map((record) => record['v']);
    const pack = decodeOk(packFromJson(text));
    expect(pack.map((record) => record.value?.value)).toEqual(written);
    expect(bytesToHex(encodeSenml(pack))).toBe(bytesToHex(packFromJson(text)));
  });

  // The authors wrote the labels of a record in an order of their own, which RFC 8949 section 4.2.1 does not allow.
  it.each(['ex3.gen.cbor', 'ex5.gen.cbor'])('%s is refused, for its order of labels only', (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(name, VECTORS)));
    expect(decodeSenml(bytes)).toMatchObject({ kind: 'reject', code: 'not-deterministic' });
    const loose = decodeAnyCbor(bytes, { useMaps: true }) as Map<number, unknown>[];
    const sorted = encodeCbor(
      loose.map((record) => new Map([...record].map(([key, v]) => [key, asFloat(v)]))),
    );
    const expected = JSON.parse(read(name.replace('.cbor', '.resolved.json'))) as unknown;
    expect(resolveSenml(decodeOk(sorted), VECTORS_NOW).map(toResolvedJson)).toEqual(expected);
  });
});

function asFloat(value: unknown): CborValue {
  return typeof value === 'number' && !Number.isInteger(value) ? new CborFloat(value) : (value as CborValue);
}

const map = (...entries: [CborValue, CborValue][]): CborValue => new Map(entries);
const refusal = (...records: CborValue[]): string => {
  const parsed = decodeSenml(encodeCbor(records));
  return parsed.kind === 'ok' ? 'ok' : `${parsed.code}: ${parsed.detail}`;
};

describe('what is refused', () => {
  const n: [CborValue, CborValue] = [0, 'hr'];
  const v: [CborValue, CborValue] = [2, 72];

  it('says which record and which field', () => {
    expect({
      'not a map': refusal(map(n, v), 7),
      'unknown integer label': refusal(map(n, v, [9, 1])),
      'base label past the table': refusal(map(n, v, [-7, 1])),
      'bytes for a label': refusal(map(n, v, [new Uint8Array(1), 1])),
      'label of JSON': refusal(map(n, v, ['u', 'Cel'])),
      'must understand': refusal(map(n, v), map(n, v, ['dose_', 1])),
      'may ignore': refusal(map(n, v, ['dose', 1])),
      'two values': refusal(map(n, v, [3, 'x'])),
      'no value': refusal(map(n)),
      'only a base value': refusal(map(n, [-5, 1])),
      'only a sum': refusal(map(n, [5, 1])),
      'a base sum further up': refusal(map(n, v, [-6, 1]), map(n)),
      'no name': refusal(map(v)),
      'name only in the base': refusal(map([-2, 'urn:dev:ow:10e2073a01080063'], v)),
      'name past 255 characters': refusal(map([0, 'a'.repeat(256)], v)),
      'name past 255 characters with its base': refusal(map([-2, 'a'.repeat(255)], [0, 'b'], v)),
      'name of 255 characters': refusal(map([-2, 'a'.repeat(254)], [0, 'b'], v)),
      'name with a space': refusal(map([0, 'h r'], v)),
      'name with a control character': refusal(map([0, 'hr\n'], v)),
      'name from _': refusal(map([0, '_hr'], v)),
      'name that a base name mends': refusal(map([-2, 'a'], [0, '_hr'], v)),
      'name beyond ASCII': refusal(map([0, 'hř'], v)),
      'base name taken back': refusal(map([-2, 'a'], v), map([-2, ''], v)),
      'name of bytes': refusal(map([0, new Uint8Array(2)], v)),
      'unit of a number': refusal(map(n, v, [1, 1])),
      'value of text': refusal(map(n, [2, '72'])),
      'value NaN': refusal(map(n, [2, new CborFloat(Number.NaN)])),
      'value 1e1000000': refusal(map(n, [2, new CborTag(4, [1_000_000, 1])])),
      'value as fraction of exponent 0': refusal(map(n, [2, new CborTag(4, [0, 72])])),
      'text of a number': refusal(map(n, [3, 1])),
      'boolean of a number': refusal(map(n, [4, 1])),
      'data of text': refusal(map(n, [8, 'AAA'])),
      'time of text': refusal(map(n, v, [6, 'now'])),
      'version of a fraction': refusal(map(n, v, [-1, new CborFloat(10)])),
      'version 0': refusal(map(n, v, [-1, 0])),
      'version with unknown features': refusal(map(n, v, [-1, 42])),
      'version of secondary units': refusal(map(n, v, [-1, 26])),
      'version that changes': refusal(map(n, v), map(n, v, [-1, 26])),
      'no records': refusal(),
    }).toMatchInlineSnapshot(`
      {
        "a base sum further up": "ok",
        "base label past the table": "malformed: record 0: a label that is not in RFC 8428 table 4",
        "base name taken back": "malformed: record 1: field n: neither a name nor a base name",
        "boolean of a number": "malformed: record 0: field vb: not a boolean",
        "bytes for a label": "malformed: record 0: a label that is not in RFC 8428 table 4",
        "data of text": "malformed: record 0: field vd: not a byte string",
        "label of JSON": "malformed: record 0: field u: must carry its integer label",
        "may ignore": "ok",
        "must understand": "malformed: record 1: an extension field that must be understood, and is not known here",
        "name beyond ASCII": "malformed: record 0: field n: a name with characters that are not allowed",
        "name from _": "malformed: record 0: field n: a name with characters that are not allowed",
        "name of 255 characters": "ok",
        "name of bytes": "malformed: record 0: field n: not a text string",
        "name only in the base": "ok",
        "name past 255 characters": "malformed: record 0: field n: a name of more than 255 characters",
        "name past 255 characters with its base": "malformed: record 0: field n: a name of more than 255 characters",
        "name that a base name mends": "ok",
        "name with a control character": "malformed: record 0: field n: a name with characters that are not allowed",
        "name with a space": "malformed: record 0: field n: a name with characters that are not allowed",
        "no name": "malformed: record 0: field n: neither a name nor a base name",
        "no records": "malformed: SenML pack: no records",
        "no value": "malformed: record 0: field v: neither a value nor a sum",
        "not a map": "malformed: record 1: not a map",
        "only a base value": "malformed: record 0: field v: neither a value nor a sum",
        "only a sum": "ok",
        "text of a number": "malformed: record 0: field vs: not a text string",
        "time of text": "malformed: record 0: field t: not a number",
        "two values": "malformed: record 0: field vs: a second value in one record",
        "unit of a number": "malformed: record 0: field u: not a text string",
        "unknown integer label": "malformed: record 0: a label that is not in RFC 8428 table 4",
        "value 1e1000000": "malformed: record 0: field v: a decimal out of bounds",
        "value NaN": "malformed: record 0: field v: not a finite number",
        "value as fraction of exponent 0": "not-deterministic: record 0: field v: a decimal fraction of exponent 0 is written as an integer",
        "value of text": "malformed: record 0: field v: not a number",
        "version 0": "malformed: record 0: field bver: not a positive integer",
        "version of a fraction": "malformed: record 0: field bver: not an unsigned integer",
        "version of secondary units": "ok",
        "version that changes": "malformed: record 1: field bver: differs from the version of the pack",
        "version with unknown features": "malformed: record 0: field bver: names a feature that is not known here",
      }
    `);
    expect(decodeSenml(encodeCbor(map(n, v)))).toMatchObject({
      detail: 'SenML pack: not an array of records',
    });
    expect(decodeSenml(Uint8Array.of(0x81))).toMatchObject({ kind: 'reject', code: 'malformed' });
    expect(decodeSenml(Uint8Array.of(0x9f, 0xff))).toMatchObject({
      kind: 'reject',
      code: 'not-deterministic',
    });
  });

  it('is always a value, whatever the bytes', () => {
    const mutated = fc
      .tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([at, mask]) => SAMPLE.map((byte, i) => (i === at % SAMPLE.length ? byte ^ mask : byte)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
        const parsed = decodeSenml(bytes);
        if (parsed.kind === 'ok') {
          resolveSenml(parsed.value, 1_700_000_000);
          resolveSenml(parsed.value);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const SAMPLE = encodeSenml([
  {
    baseName: 'urn:dev:mac:0024befffe804ff1_',
    baseTime: decimal('1700000000.5'),
    baseUnit: '1/min',
    name: 'hr',
    value: { kind: 'number', value: decimal('72') },
  },
  { name: 'temp', unit: 'Cel', time: decimal('-1'), value: { kind: 'number', value: decimal('36.60') } },
]); // prettier-ignore

describe('resolution', () => {
  it('adds base values as decimals and keeps the finer places', () => {
    const pack: SenmlPack = [
      {
        baseValue: decimal('20'),
        baseSum: decimal('0.5'),
        name: 'a',
        value: { kind: 'number', value: decimal('0.30') },
        sum: decimal('1'),
      },
      { name: 'b', value: { kind: 'string', value: 'x' } },
      {
        baseValue: decimal('-0.1'),
        baseUnit: 'Cel',
        name: 'c',
        value: { kind: 'number', value: decimal('0.3') },
        updateTime: decimal('60'),
      },
    ]; // prettier-ignore
    const shown = resolveSenml(decodeOk(encodeSenml(pack)), 1_700_000_000.25).map((record) => ({
      ...record,
      value: record.value?.kind === 'number' ? formatDecimal(record.value.value) : record.value?.value,
      sum: record.sum && formatDecimal(record.sum),
      time: formatDecimal(record.time.seconds),
      updateTime: record.updateTime && formatDecimal(record.updateTime),
    }));
    expect(shown).toMatchInlineSnapshot(`
      [
        {
          "name": "a",
          "sum": "1.5",
          "time": "1700000000.25",
          "updateTime": undefined,
          "value": "20.30",
        },
        {
          "name": "b",
          "sum": "0.5",
          "time": "1700000000.25",
          "updateTime": undefined,
          "value": "x",
        },
        {
          "name": "c",
          "sum": "0.5",
          "time": "1700000000.25",
          "unit": "Cel",
          "updateTime": "60",
          "value": "0.2",
        },
      ]
    `);
  });

  it('tells absolute from relative times at 2^28', () => {
    const at = (time: string, now?: number) => {
      const [record] = resolveSenml(
        [{ name: 'x', time: decimal(time), value: { kind: 'boolean', value: true } }],
        now,
      );
      return record && `${record.time.kind} ${formatDecimal(record.time.seconds)}`;
    };
    expect(at('268435456')).toBe('absolute 268435456');
    expect(at('268435455.999')).toBe('relative 268435455.999');
    expect(at('-5')).toBe('relative -5');
    expect(at('-5', 1_700_000_000)).toBe('absolute 1699999995');
    expect(at('-0.5', 1_700_000_000.25)).toBe('absolute 1699999999.75');
    expect(at('268435456', 1_700_000_000)).toBe('absolute 268435456');
    expect(() => at('0', Number.NaN)).toThrow(RangeError);
  });

  it('gives each record what it would have had alone', () => {
    const value = fc.bigInt({ min: -99999n, max: 99999n });
    const any = fc.record({ mantissa: value, exponent: fc.integer({ min: -4, max: 3 }) });
    fc.assert(
      fc.property(any, fc.array(any, { minLength: 1, maxLength: 20 }), (base, values) => {
        const records = values.map((v) => ({ name: 'x', value: { kind: 'number' as const, value: v } }));
        const together = resolveSenml([{ ...records[0], baseValue: base }, ...records.slice(1)]);
        const alone = records.flatMap((record) => resolveSenml([{ ...record, baseValue: base }]));
        expect(together).toEqual(alone);
      }),
    );
  });

  it('reads back what was written', () => {
    const pack = decodeOk(SAMPLE);
    expect(encodeSenml(pack)).toEqual(SAMPLE);
    const [, temp] = resolveSenml(pack);
    expect(temp?.name).toBe('urn:dev:mac:0024befffe804ff1_temp');
    expect(temp?.value?.kind === 'number' && compareDecimal(temp.value.value, decimal('36.6'))).toBe(0);
  });
});

describe('misuse of encodeSenml', () => {
  const value = { kind: 'boolean', value: true } as const;
  it('throws, naming the record', () => {
    expect(() => encodeSenml([])).toThrowErrorMatchingInlineSnapshot(`[TypeError: pack: no records]`);
    expect(() =>
      encodeSenml([
        { name: 'a', value },
        { name: 'b c', value },
      ]),
    ).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: pack: record 1: field n: a name with characters that are not allowed]`,
    );
    expect(() => encodeSenml([{ name: 'a' }])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: pack: record 0: field v: neither a value nor a sum]`,
    );
    expect(() => encodeSenml([{ name: 'a', value, baseVersion: 99 }])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: pack: record 0: field bver: names a feature that is not known here]`,
    );
    expect(() =>
      encodeSenml([{ name: 'a', value, extensions: new Map([['x_', 1]]) }]),
    ).toThrowErrorMatchingInlineSnapshot(`[TypeError: pack: extension label "x_" is not allowed]`);
    expect(() =>
      encodeSenml([{ name: 'a', value, extensions: new Map([['bver', 1]]) }]),
    ).toThrowErrorMatchingInlineSnapshot(`[TypeError: pack: extension label "bver" is not allowed]`);
  });
});
