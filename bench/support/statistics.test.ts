import { expect, test } from 'vitest';
import { median, quantile, slope } from './statistics.ts';

test('median and quantiles are values that were there', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(3);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, at) => 99 - at);
  expect(quantile(hundred, 0.99)).toBe(99);
  expect(quantile(hundred, 1)).toBe(99);
  expect(quantile(hundred, 0)).toBe(0);
});

test('a slope is not bent by one odd sample', () => {
  const points = Array.from({ length: 20 }, (_, x) => ({ x, y: 100 + 3 * x }));
  expect(slope(points)).toBe(3);
  expect(slope(points.map((point, at) => (at === 4 ? { ...point, y: 5000 } : point)))).toBe(3);
  expect(slope(points.map(({ x }) => ({ x, y: 7 })))).toBe(0);
});
