import { decodeRlp as decodeByEthers, encodeRlp as encodeByEthers } from 'ethers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, hexToBytes, utf8ToBytes } from '../bytes.ts';
import { decodeRlp, encodeRlp, integerFromRlp, type RlpItem, rlpInteger } from './rlp.ts';

const { item } = fc.letrec<{ item: RlpItem; list: RlpItem; bytes: RlpItem }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, tie('bytes'), tie('list')),
  list: fc.array(tie('item'), { maxLength: 6 }),
  bytes: fc.uint8Array({ maxLength: 80 }),
}));

/** As ethers wants it, and gives it. */
type Hex = string | Hex[];
const toHex = (value: RlpItem): Hex =>
  value instanceof Uint8Array ? `0x${bytesToHex(value)}` : value.map(toHex);
const fromText = (text: string): RlpItem | undefined => decodeRlp(hexToBytes(text.replaceAll(' ', '')));

describe('encoding', () => {
  test.each<[string, RlpItem, string]>([
    ['nothing', new Uint8Array(0), '80'],
    ['no items', [], 'c0'],
    ['a small byte', Uint8Array.of(0x7f), '7f'],
    ['a zero byte', Uint8Array.of(0), '00'],
    ['a large byte', Uint8Array.of(0x80), '8180'],
    ['dog', utf8ToBytes('dog'), '83646f67'],
    ['cat and dog', [utf8ToBytes('cat'), utf8ToBytes('dog')], 'c88363617483646f67'],
    ['the set of three', [[], [[]], [[], [[]]]], 'c7c0c1c0c3c0c1c0'],
    ['1024', rlpInteger(1024), '820400'],
    ['55 bytes', new Uint8Array(55).fill(1), `b7${'01'.repeat(55)}`],
    ['56 bytes', new Uint8Array(56).fill(1), `b838${'01'.repeat(56)}`],
    ['256 bytes', new Uint8Array(256).fill(1), `b90100${'01'.repeat(256)}`],
  ])('of %s is that of the yellow paper', (_, value, hex) => {
    expect(bytesToHex(encodeRlp(value))).toBe(hex);
    expect(decodeRlp(hexToBytes(hex))).toEqual(value);
  });

  test('is that of another library, and is read again', () => {
    fc.assert(
      fc.property(item, (value) => {
        const bytes = encodeRlp(value);
        expect(`0x${bytesToHex(bytes)}`).toBe(encodeByEthers(toHex(value)));
        expect(decodeRlp(bytes)).toEqual(value);
      }),
    );
  });
});

describe('reading refuses', () => {
  test.each([
    ['nothing at all', ''],
    ['a byte too many', '80 00'],
    ['a string cut short', '83 646f'],
    ['a list cut short', 'c2 01'],
    ['an item that reaches out of its list', 'c2 83 646f67'],
    ['a small byte with a length', '81 7f'],
    ['a length in a byte that needs none', 'b8 01 80'],
    ['a length of 55 in its own byte', `b8 37 ${'01'.repeat(55)}`],
    ['a length with a leading zero', `b9 0038 ${'01'.repeat(56)}`],
    ['a length of a list with a leading zero', `f9 0038 ${'01'.repeat(56)}`],
    ['a list’s length in a byte that needs none', 'f8 01 80'],
    ['a length beyond the input', 'bb ffffffff'],
    ['a length of eight bytes', 'bf ffffffffffffffff'],
    ['a list’s length of eight bytes', 'ff ffffffffffffffff'],
    ['a length without its bytes', 'b9 01'],
    ['lists nine deep', 'c8 c7 c6 c5 c4 c3 c2 c1 c0'],
  ])('%s', (_, text) => expect(fromText(text)).toBeUndefined());

  test('what is not the one encoding of what it reads as', () => {
    const mostlyRlp = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.tuple(item, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const bytes = encodeRlp(value);
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(mostlyRlp, (bytes) => {
        const value = decodeRlp(bytes);
        if (value === undefined) return;
        expect(encodeRlp(value)).toEqual(bytes);
        expect(decodeByEthers(bytes)).toEqual(toHex(value));
      }),
      { numRuns: 2000 },
    );
  });

  test('a bomb of lists, in no more time than its length takes', () => {
    const nested = new Uint8Array(60_000).fill(0xc1);
    expect(decodeRlp(nested)).toBeUndefined();
    const wide = encodeRlp(Array.from({ length: 60_000 }, () => []));
    expect(decodeRlp(wide)).toHaveLength(60_000);
  });
});

describe('integers', () => {
  test.each([0n, 1n, 127n, 128n, 255n, 256n, 2n ** 32n, 2n ** 64n - 1n])('%d there and back', (value) => {
    expect(integerFromRlp(rlpInteger(value))).toBe(value);
    expect(integerFromRlp(decodeRlp(encodeRlp(rlpInteger(value))))).toBe(value);
  });

  test.each<[string, RlpItem | undefined]>([
    ['a leading zero', Uint8Array.of(0, 1)],
    ['a zero byte', Uint8Array.of(0)],
    ['nine bytes', new Uint8Array(9).fill(1)],
    ['a list', []],
    ['nothing', undefined],
  ])('not %s', (_, value) => expect(integerFromRlp(value)).toBeUndefined());
});
