import { expect, test } from 'vitest';
import { showEther } from './ether.ts';

test.each([
  [0n, '0'],
  [1n, '0.000000000000000001'],
  [81_600_000_000_000n, '0.0000816'],
  [10n ** 18n, '1'],
  [9_999_987_654_321_000_000_000n, '9999.99'],
  [1_234_567n * 10n ** 18n, '1234570'],
])('%i wei', (wei, text) => {
  expect(showEther(wei)).toBe(text);
});
