import { expect, test } from 'vitest';
import { flipBit } from '../merkle/testing/tree.ts';
import { Ledger, makeDevice, makeRun, trustIn } from './testing/ledger.ts';
import { isProven, verifyPack, verifyReceipt } from './verify.ts';

const DEVICE = makeDevice(1);
const TRUST = trustIn(DEVICE);
const LEDGER = new Ledger(await makeRun(DEVICE, 3));

test('no single flipped bit leaves a receipt proven', async () => {
  const file = await LEDGER.exportReceipt(1);
  expect(isProven(verifyReceipt(file, TRUST, LEDGER.facts))).toBe(true);
  for (let bit = 0; bit < file.length * 8; bit++) {
    if (isProven(verifyReceipt(flipBit(file, bit), TRUST, LEDGER.facts))) expect.fail(`bit ${bit}`);
  }
});

test('no single flipped bit leaves a pack proven', async () => {
  const pack = await LEDGER.exportPack([0, 2]);
  expect(isProven(verifyPack(pack, TRUST, LEDGER.facts))).toBe(true);
  for (let bit = 0; bit < pack.length * 8; bit++) {
    if (isProven(verifyPack(flipBit(pack, bit), TRUST, LEDGER.facts))) expect.fail(`bit ${bit}`);
  }
});
