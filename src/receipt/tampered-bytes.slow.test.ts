import { expect, test } from 'vitest';
import { flipBit } from '../merkle/testing/tree.ts';
import { inBlock, trusting } from './testing/event-block.ts';
import { Ledger, makeDevice, makeRun, trustIn } from './testing/ledger.ts';
import { isProven, verifyPack, verifyReceipt } from './verify.ts';

const DEVICE = makeDevice(1);
const TRUST = trustIn(DEVICE);
const LEDGER = new Ledger(await makeRun(DEVICE, 3));

// One bit in each byte, another one from byte to byte. All eight: tampering.slow.test.ts.
test('no byte of a receipt or a pack can be changed and leave it proven', async () => {
  const file = await LEDGER.exportReceipt(1);
  const pack = await LEDGER.exportPack([0, 2]);
  expect(isProven(verifyReceipt(file, TRUST, LEDGER.facts))).toBe(true);
  expect(isProven(verifyPack(pack, TRUST, LEDGER.facts))).toBe(true);
  for (let byte = 0; byte < Math.max(file.length, pack.length); byte++) {
    const bit = byte * 8 + (byte % 8);
    const changed = [
      byte < file.length && verifyReceipt(flipBit(file, bit), TRUST, LEDGER.facts),
      byte < pack.length && verifyPack(flipBit(pack, bit), TRUST, LEDGER.facts),
    ];
    if (changed.some((verdicts) => verdicts && isProven(verdicts))) expect.fail(`bit ${bit}`);
  }
});

test('nor one of a receipt with the proof of its event, but for the transaction’s hash, which that does not prove', async () => {
  const anchor = inBlock(LEDGER.anchor);
  const facts = { anchors: [], trustedBlocks: [trusting(anchor)] };
  const file = await LEDGER.exportReceipt(1, [anchor]);
  const proven = Array.from(file.keys()).filter((byte) =>
    isProven(verifyReceipt(flipBit(file, byte * 8 + (byte % 8)), TRUST, facts)),
  );
  const start = Buffer.from(file).indexOf(anchor.transactionHash);
  expect(proven).toEqual(Array.from({ length: 32 }, (_, at) => start + at));
});

test('no cut or longer copy is well-formed', async () => {
  const file = await LEDGER.exportReceipt(1);
  const pack = await LEDGER.exportPack([0, 2]);
  const longer = (bytes: Uint8Array) => Uint8Array.of(...bytes, 0);
  for (let length = 0; length < file.length; length++) {
    expect(verifyReceipt(file.subarray(0, length), TRUST).answers['well-formed'].verdict).toBe('no');
  }
  for (let length = 0; length < pack.length; length++) {
    expect(verifyPack(pack.subarray(0, length), TRUST).answers['well-formed'].verdict).toBe('no');
  }
  expect(verifyReceipt(longer(file), TRUST).answers['well-formed'].verdict).toBe('no');
  expect(verifyPack(longer(pack), TRUST).answers['well-formed'].verdict).toBe('no');
});
