import { existsSync, readFileSync } from 'node:fs';
import { decode as decodeWithCborg } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, concatBytes, hexToBytes } from './bytes.ts';
import { MAX_DEPTH } from './cbor/value.ts';
import { CborError, CborFloat, CborTag, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';

const APPENDIX_A = new URL('../../shared/data/vectors/cbor/appendix_a.json', import.meta.url);

interface AppendixVector {
  readonly hex: string;
  readonly roundtrip: boolean;
  readonly decoded?: unknown;
  readonly diagnostic?: string;
}

/** The code with which `hex` is refused, or the hex of its value encoded again. */
function outcome(hex: string): string {
  try {
    return bytesToHex(encodeCbor(decodeCbor(hexToBytes(hex))));
  } catch (error) {
    if (error instanceof CborError) return error.code;
    throw error;
  }
}

/** What JSON can say of a value, to compare with the published decodings. */
function toJson(value: CborValue): unknown {
  if (value instanceof CborFloat) return value.value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  return typeof value === 'bigint' ? Number(value) : value;
}

describe.skipIf(!existsSync(APPENDIX_A))('RFC 8949 appendix A (skipped without ../shared/data)', () => {
  const vectors: AppendixVector[] = existsSync(APPENDIX_A)
    ? JSON.parse(readFileSync(APPENDIX_A, 'utf8'))
    : [];
  const unsupported = new Set(['undefined', 'simple(16)', 'simple(24)', 'simple(255)']);

  test('has the 82 published vectors', () => expect(vectors).toHaveLength(82));

  test.each(vectors)('$hex', ({ hex, roundtrip, decoded, diagnostic }) => {
    if (unsupported.has(diagnostic ?? '')) return expect(outcome(hex)).toBe('malformed');
    expect(outcome(hex)).toBe(roundtrip ? hex : 'not-deterministic');
    if (!roundtrip) return;
    const value = decodeCbor(hexToBytes(hex));
    if (decoded !== undefined && !(value instanceof CborTag)) expect(toJson(value)).toEqual(decoded);
    if (value instanceof CborTag && diagnostic !== undefined)
      expect(diagnostic).toMatch(new RegExp(`^${value.tag}\\(`));
  });
});

describe('refusals', () => {
  test.each([
    ['1817', 'an integer one byte too long'],
    ['1900ff', 'an integer in two bytes for one'],
    ['1a0000ffff', 'an integer in four bytes for two'],
    ['1b00000000ffffffff', 'an integer in eight bytes for four'],
    ['3817', 'a negative integer one byte too long'],
    ['580100', 'a byte string length too long'],
    ['780161', 'a text length too long'],
    ['980100', 'an array length too long'],
    ['b8010000', 'a map length too long'],
    ['d81200', 'a tag number too long'],
    ['5f4100ff', 'an indefinite byte string'],
    ['7f6161ff', 'an indefinite text'],
    ['9f00ff', 'an indefinite array'],
    ['bf0000ff', 'an indefinite map'],
    ['fa3f800000', '1.0 in single precision'],
    ['fb3ff0000000000000', '1.0 in double precision'],
    ['fa33800000', 'the smallest half-precision subnormal in single precision'],
    ['fa80000000', 'negative zero in single precision'],
    ['f97e01', 'a NaN with a payload'],
    ['f9fe00', 'a negative NaN'],
    ['f97c01', 'a signalling NaN'],
    ['fa7fc00000', 'a NaN in single precision'],
    ['a2020001f6', 'map keys out of order'],
    ['a220000100', 'negative keys before positive ones'],
    ['a261610018640a', 'text keys before an integer key'],
    ['a201000100', 'a key twice'],
    ['a2410000410000', 'a byte string key twice'],
  ])('%s: %s is not deterministic', (hex) => expect(outcome(hex)).toBe('not-deterministic'));

  test.each([
    ['', 'nothing'],
    ['0000', 'a second item'],
    ['18', 'a head cut short'],
    ['1b00000000', 'an argument cut short'],
    ['4201', 'a byte string cut short'],
    ['8201', 'an array cut short'],
    ['a101', 'a map without its value'],
    ['a1', 'a map without its entry'],
    ['c1', 'a tag without content'],
    ['1c', 'a reserved length'],
    ['1f', 'an indefinite integer'],
    ['3f', 'an indefinite negative integer'],
    ['df00', 'an indefinite tag'],
    ['ff', 'a break alone'],
    ['81ff', 'a break in a definite array'],
    ['9f', 'an indefinite array without break'],
    ['bf00ff', 'an indefinite map with half an entry'],
    ['5f6161ff', 'a text chunk in a byte string'],
    ['5f5f4100ffff', 'an indefinite chunk'],
    ['7f61c361bcff', 'a character split over two chunks'],
    ['61ff', 'a byte that is never UTF-8'],
    ['62c0af', 'an overlong character'],
    ['63eda080', 'a surrogate in UTF-8'],
    ['f7', 'undefined'],
    ['e0', 'an unassigned simple value'],
    ['f820', 'a simple value in two bytes'],
    ['f801', 'a simple value that RFC 8949 forbids'],
    ['f900', 'a float cut short'],
    ['a1f600', 'null as a key'],
    ['a1f500', 'true as a key'],
    ['a1f93c0000', 'a float as a key'],
    ['a18000', 'an array as a key'],
    ['a1c10000', 'a tag as a key'],
    ['5bffffffffffffffff', 'a byte string of 2^64 - 1 bytes'],
    ['7affffffff', 'a text of 4 GB'],
    ['9bffffffffffffffff', 'an array of 2^64 - 1 items'],
    ['9a7fffffff', 'an array of 2^31 - 1 items'],
    ['bb0fffffffffffffff', 'a map of 2^60 entries'],
    ['dbffffffffffffffff00', 'a tag number beyond 2^53'],
    ['9f1817', 'not deterministic, and then cut short'],
    ['8218170000', 'not deterministic, and then a second item'],
  ])('%s: %s is malformed', (hex) => expect(outcome(hex)).toBe('malformed'));

  test('nesting is bounded, and deep nesting costs no stack', () => {
    const deepest = concatBytes(new Uint8Array(MAX_DEPTH).fill(0x81), Uint8Array.of(0));
    expect(outcome(bytesToHex(deepest))).toBe(bytesToHex(deepest));
    for (const head of [0x81, 0xc1, 0x9f]) {
      expect(outcome(bytesToHex(new Uint8Array(MAX_DEPTH + 1).fill(head)))).toBe('malformed');
      expect(outcome(bytesToHex(new Uint8Array(1_000_000).fill(head)))).toBe('malformed');
    }
  });

  test('the message says what and where', () => {
    expect(() => decodeCbor(hexToBytes('8200f7'))).toThrowErrorMatchingInlineSnapshot(
      `[CborError: a simple value that is not supported, at byte 2]`,
    );
    expect(() => decodeCbor(hexToBytes('82001817'))).toThrowErrorMatchingInlineSnapshot(
      `[CborError: a number or length that is not in its shortest form, at byte 2]`,
    );
  });
});

describe('values', () => {
  test('integers are numbers while safe, then bigints', () => {
    expect(decodeCbor(hexToBytes('1b001fffffffffffff'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(decodeCbor(hexToBytes('1b0020000000000000'))).toBe(2n ** 53n);
    expect(decodeCbor(hexToBytes('3b001ffffffffffffe'))).toBe(Number.MIN_SAFE_INTEGER);
    expect(decodeCbor(hexToBytes('3b001fffffffffffff'))).toBe(-(2n ** 53n));
    expect(decodeCbor(hexToBytes('3bffffffffffffffff'))).toBe(-(2n ** 64n));
  });

  test('a float is not an integer', () => {
    expect(decodeCbor(hexToBytes('f93c00'))).toEqual(new CborFloat(1));
    expect(bytesToHex(encodeCbor(1))).toBe('01');
    expect(bytesToHex(encodeCbor(-0))).toBe('00');
    expect(bytesToHex(encodeCbor(new CborFloat(-0)))).toBe('f98000');
  });

  test('every half-precision float reads and writes as itself', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const hex = `f9${bits.toString(16).padStart(4, '0')}`;
      const nan = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
      expect(outcome(hex)).toBe(nan && bits !== 0x7e00 ? 'not-deterministic' : hex);
    }
  });

  test('a byte order mark is part of the text', () => {
    expect(decodeCbor(hexToBytes('63efbbbf'))).toBe('\ufeff');
    const long = `\ufeff${'x'.repeat(60)}`;
    expect(decodeCbor(encodeCbor(long))).toBe(long);
  });

  test('byte strings are copies, also out of a Node Buffer', () => {
    const input = Buffer.from('4101', 'hex');
    const value = decodeCbor(input);
    input.fill(0xff);
    expect(value).toEqual(Uint8Array.of(1));
    expect(value).not.toBeInstanceOf(Buffer);
  });

  test('a view into a larger buffer is read from its own start', () => {
    expect(decodeCbor(hexToBytes('ffff191234ff').subarray(2, 5))).toBe(0x1234);
  });

  test('the result of encoding is not touched by the next encoding', () => {
    const first = encodeCbor('first');
    encodeCbor('other');
    expect(decodeCbor(first)).toBe('first');
  });
});

describe('encoding', () => {
  test('sorts keys by their encoding: positive, negative, bytes, text; shorter heads first', () => {
    const keys: CborValue[] = ['aa', 'b', -1, 24, 10, Uint8Array.of(1), -70001, ''];
    const map = new Map<CborValue, CborValue>(keys.map((key) => [key, null]));
    expect(bytesToHex(encodeCbor(map))).toBe('a80af61818f620f63a00011170f64101f660f66162f6626161f6');
  });

  test.each<[string, unknown]>([
    ['a fraction', 1.5],
    ['NaN', Number.NaN],
    ['an unsafe number', 2 ** 53],
    ['undefined', undefined],
    ['a function', () => 0],
    ['a plain object', { a: 1 }],
    ['a date', new Date(0)],
    ['a lone surrogate', '\ud800'],
    ['a float as a key', new Map([[new CborFloat(1), 0]])],
    ['null as a key', new Map([[null, 0]])],
    [
      'equal byte string keys',
      new Map([
        [Uint8Array.of(1), 0],
        [Uint8Array.of(1), 0],
      ]),
    ],
    [
      'equal integer keys',
      new Map<unknown, number>([
        [1, 0],
        [1n, 0],
      ]),
    ],
    ['a negative tag', new CborTag(-1, 0)],
    ['a fractional tag', new CborTag(1.5, 0)],
  ])('%s is a TypeError', (_name, value) => {
    expect(() => encodeCbor(value as CborValue)).toThrow(TypeError);
  });

  test.each<[string, CborValue]>([
    ['2^64', 2n ** 64n],
    ['-2^64 - 1', -(2n ** 64n) - 1n],
  ])('%s is a RangeError', (_name, value) => expect(() => encodeCbor(value)).toThrow(RangeError));

  test('a cycle is a RangeError, and the encoder works on after it', () => {
    const cycle: CborValue[] = [];
    cycle.push(cycle);
    expect(() => encodeCbor(cycle)).toThrow(RangeError);
    expect(encodeCbor(1)).toEqual(Uint8Array.of(1));
  });

  test('large values grow the buffer', () => {
    const large = new Uint8Array(300_000).fill(7);
    expect(decodeCbor(encodeCbor([large, 'x'.repeat(70_000), 1]))).toEqual([large, 'x'.repeat(70_000), 1]);
  });

  test('what is not bytes cannot be decoded', () => {
    for (const value of [undefined, null, 'a0', [0], new ArrayBuffer(1)]) {
      expect(() => decodeCbor(value as unknown as Uint8Array)).toThrow(TypeError);
    }
  });
});

describe('the number of pairs in a map', () => {
  const pairs = (count: number) => new Map(Array.from({ length: count }, (_, key) => [key, 0] as const));
  const written = (head: string, count: number, end = '') =>
    head +
    Array.from({ length: count }, (_, key) => `19${(1000 + key).toString(16).padStart(4, '0')}00`).join('') +
    end;

  test('is bounded, because keys chosen to collide cost the square of their number', () => {
    expect(decodeCbor(encodeCbor(pairs(256)))).toEqual(pairs(256));
    expect(() => encodeCbor(pairs(257))).toThrow(new RangeError('value: a map of more than 256 pairs'));
    expect(outcome(written('b90101', 257))).toMatch(/^malformed/);
    expect(outcome(written('bf', 257, 'ff'))).toMatch(/^malformed/);
    expect(outcome(written('bf', 256, 'ff'))).toMatch(/^not-deterministic/);
  });
});

describe('properties', () => {
  const integer = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(300));
  const large = fc.oneof(
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }),
  );
  const text = fc.string({ unit: 'binary' });
  const bytes = fc.uint8Array({ maxLength: 40 });
  const key = fc.oneof(integer, text);
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      integer,
      large,
      text,
      bytes,
      fc.boolean(),
      fc.constant(null),
      fc.double().map((number) => new CborFloat(number)),
      fc.float().map((number) => new CborFloat(number)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.tuple(fc.nat(), tie('value')).map(([tag, content]) => new CborTag(tag, content)),
    ),
  }));

  test('a value survives its encoding, and its encoding is read as the only one', () => {
    fc.assert(
      fc.property(value, (input) => {
        const encoded = encodeCbor(input);
        const decoded = decodeCbor(encoded);
        expect(encodeCbor(decoded)).toEqual(encoded);
        expect(sorted(decoded)).toEqual(sorted(input));
      }),
    );
  });

  test('bytes are refused or are exactly what their value encodes to', () => {
    const hex = (input: Uint8Array) => bytesToHex(input);
    const exact = (input: Uint8Array) => {
      const result = outcome(hex(input));
      if (result !== 'malformed' && result !== 'not-deterministic') expect(result).toBe(hex(input));
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), exact), { numRuns: 3000 });
    const mutated = fc.tuple(value, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([input, at, flip]) => {
      const encoded = encodeCbor(input);
      const index = at % encoded.length;
      encoded[index] = (encoded[index] ?? 0) ^ flip;
      return encoded;
    });
    fc.assert(fc.property(mutated, exact), { numRuns: 2000 });
  });

  test('another implementation reads what is written here, in its strict mode', () => {
    const options = { strict: true, useMaps: true, allowIndefinite: false, rejectDuplicateMapKeys: true };
    const untagged = value.filter((input) => !hasTag(input));
    fc.assert(
      fc.property(untagged, (input) => {
        const theirs: CborValue = decodeWithCborg(encodeCbor(input), options);
        expect(sorted(theirs)).toEqual(sorted(input));
      }),
    );
  });

  test('a prefix of an encoding is malformed', () => {
    fc.assert(
      fc.property(value, fc.nat(), (input, cut) => {
        const encoded = encodeCbor(input);
        expect(outcome(bytesToHex(encoded.subarray(0, cut % encoded.length)))).toBe('malformed');
      }),
    );
  });

  function hasTag(item: CborValue): boolean {
    if (item instanceof CborTag) return true;
    if (item instanceof Map) return [...item.values()].some(hasTag);
    return Array.isArray(item) && item.some(hasTag);
  }

  /** Maps compare as sets of entries. */
  function sorted(item: CborValue): unknown {
    if (Array.isArray(item)) return item.map(sorted);
    if (item instanceof CborTag) return { tag: item.tag, value: sorted(item.value) };
    if (item instanceof CborFloat) return item.value;
    if (!(item instanceof Map)) return item;
    const entries = [...item].map(([k, v]) => [bytesToHex(encodeCbor(k)), sorted(v)] as const);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }
});
