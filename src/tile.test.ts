import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { encodeEntryBundle, parseTilePath, tilePath, tileWidth } from './tile.ts';

describe('tile paths', () => {
  test.each([
    [0, 0, 256, 'tile/0/000'],
    [0, 999, 256, 'tile/0/999'],
    [1, 1000, 256, 'tile/1/x001/000'],
    // The example of the specification.
    [0, 1234067, 256, 'tile/0/x001/x234/067'],
    [63, 273, 112, 'tile/63/273.p/112'],
    ['entries', 1234067, 1, 'tile/entries/x001/x234/067.p/1'],
    [0, Number.MAX_SAFE_INTEGER, 255, 'tile/0/x009/x007/x199/x254/x740/991.p/255'],
  ] as const)('level %s index %d width %d is %s', (level, index, width, path) => {
    expect(tilePath(level, index, width)).toBe(path);
    expect(parseTilePath(path)).toEqual({ kind: 'ok', value: { level, index, width } });
  });

  test('any tile survives the way there and back', () => {
    const level = fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 }));
    const width = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(level, fc.maxSafeNat(), width, (level, index, width) => {
        const parsed = parseTilePath(tilePath(level, index, width));
        expect(parsed).toEqual({ kind: 'ok', value: { level, index, width } });
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/1000',
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/x000/001',
    'tile/0/x001',
    'tile/0/001/002',
    'tile/0/x001/x002',
    'tile/0/X001/002',
    'tile/0/001.p/0',
    'tile/0/001.p/01',
    'tile/0/001.p/256',
    'tile/0/001.p/999',
    'tile/0/001.p',
    'tile/0/001.p/',
    'tile/0/001/',
    '/tile/0/001',
    'tile/0/001\n',
    'tile/entry/001',
    'tile/0/٠٠١',
    'tile/0/x009/x007/x199/x254/x740/992',
    `tile/0/${'x001/'.repeat(200)}000`,
    'tile/0/../001',
  ])('%j is refused', (path) => {
    expect(parseTilePath(path)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('misuse throws', () => {
    expect(() => tilePath(64, 0)).toThrow(/level/);
    expect(() => tilePath(0, -1)).toThrow(/index/);
    expect(() => tilePath(0, 2 ** 53)).toThrow(/index/);
    expect(() => tilePath(0, 0, 0)).toThrow(/width/);
    expect(() => tilePath(0, 0, 257)).toThrow(/width/);
  });

  test('widths of the tree of 70,000 leaves in the specification', () => {
    const widths = (level: number, count: number) =>
      Array.from({ length: count }, (_, index) => tileWidth(level, index, 70_000));
    expect(widths(0, 275)).toEqual([...Array(273).fill(256), 112, 0]);
    expect(widths(1, 3)).toEqual([256, 17, 0]);
    expect(widths(2, 2)).toEqual([1, 0]);
    expect(tileWidth(1, 0, 256)).toBe(1);
    expect(tileWidth('entries', 0, 3)).toBe(3);
  });

  test('entry bundles', () => {
    const bundle = encodeEntryBundle([new Uint8Array(0), Uint8Array.of(7), new Uint8Array(258)]);
    expect(bytesToHex(bundle.subarray(0, 7))).toBe('00000001070102');
    expect(bundle.length).toBe(265);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(() => encodeEntryBundle(Array(257).fill(new Uint8Array(0)))).toThrow(RangeError);
  });
});
