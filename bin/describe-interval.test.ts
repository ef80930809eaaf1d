import { expect, test } from 'vitest';
import { formatDuration } from './describe-interval.ts';

test('a duration is told in its two largest units', () => {
  const told = [0.2, 1, 59.6, 61, 3600, 3660, 86_399, 86_400, 90_000, 400 * 86_400].map(formatDuration);
  expect(told).toEqual([
    ...[
      'less than 1 s',
      '1 s',
      '1 min',
      '1 min 1 s',
      '1 h',
      '1 h 1 min',
      '23 h 59 min',
      '1 d',
      '1 d 1 h',
      '400 d',
    ],
  ]);
});
