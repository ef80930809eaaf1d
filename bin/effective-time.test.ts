import { expect, test } from 'vitest';
import { parseEffectiveTime } from './effective-time.ts';

const NOW = Date.UTC(2026, 6, 1, 12, 0, 0, 700);
const parse = (text: string) =>
  new Date(parseEffectiveTime(text, NOW, 'effective') * 1000).toISOString().replace('.000', '');

test.each([
  ['2026-07-01T12:00:00Z', '2026-07-01T12:00:00Z'],
  ['2026-07-01T14:00+02:00', '2026-07-01T12:00:00Z'],
  ['2026-07-01T12:00:00.9Z', '2026-07-01T12:00:00Z'],
  ['1999-12-31T23:59:60-00:00', undefined],
  ['24h-ago', '2026-06-30T12:00:00Z'],
  ['24h ago', '2026-06-30T12:00:00Z'],
  ['90m-ago', '2026-07-01T10:30:00Z'],
  ['+7d', '2026-07-08T12:00:00Z'],
  ['+1m', '2026-07-01T12:01:00Z'],
])('%s', (text, expected) => {
  if (expected === undefined) expect(() => parse(text)).toThrow(/is no time/);
  else expect(parse(text)).toBe(expected);
});

test.each([
  '',
  'now',
  'yesterday',
  '2026-07-01',
  '2026-07-01T12:00',
  '2026-07-01 12:00Z',
  '2026-02-30T12:00Z',
  '2026-13-01T12:00Z',
  '2026-07-01T25:00Z',
  '7d',
  '-7d',
  '+7w',
  '+9999999d',
  '1750000000',
  '1960-01-01T00:00Z',
])('%s is refused, with examples', (text) => {
  expect(() => parse(text)).toThrow(/^--effective: ".*" is no time; write 2026-07-01T12:00:00Z, /);
});

test('a time too far ahead is taken for a slip', () => {
  expect(() => parse('3026-07-01T12:00:00Z')).toThrow(
    '--effective: 3026-07-01T12:00:00.000Z is more than five years ahead',
  );
});
