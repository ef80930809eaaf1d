import { expect, test } from 'vitest';
import type { Block } from './chain.ts';
import { blocksBehind, isLagging } from './lag.ts';

const block = (number: number, time: number): Block => ({
  number: BigInt(number),
  hash: new Uint8Array(32),
  time,
});

test.each([
  ['nothing is known of the others', block(5, 0), undefined, 0, false],
  ['it is ahead', block(9, 500), block(5, 0), 0, false],
  ['one block, however long it took', block(8, 0), block(9, 3_600), 1, false],
  ['many blocks of a fast chain', block(0, 0), block(100, 30), 100, false],
  ['two blocks and half a minute', block(7, 0), block(9, 31), 2, true],
])('%s', (_name, own, reached, behind, lagging) => {
  expect(blocksBehind(own, reached)).toBe(behind);
  expect(isLagging(own, reached)).toBe(lagging);
});
