import { describe, expect, test } from 'vitest';
import { type CborMap, CborTag, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { Ledger, makeDevice, makeRun } from './testing/ledger.ts';
import { attachReceipt, decodeTransparentStatement } from './transparent-statement.ts';

const LEDGER = new Ledger(await makeRun(makeDevice(1), 3));
const STATEMENT = LEDGER.statements[1] as Uint8Array;
const RECEIPT = await LEDGER.signReceipt(1);
const FILE = await LEDGER.exportReceipt(1);

describe('a transparent statement', () => {
  test('gives back the exact statement, the receipt and the anchors', () => {
    const decoded = decodeTransparentStatement(FILE);
    if (decoded.kind === 'reject') expect.fail(decoded.detail);
    expect(decoded.value.statement.bytes).toEqual(STATEMENT);
    expect(decoded.value.receipt.anchors).toEqual([LEDGER.anchor]);
    expect(attachReceipt(decoded.value.statement.bytes, RECEIPT, [LEDGER.anchor])).toEqual(FILE);
  });

  test('is not a bare statement, nor a receipt, nor one with two receipts', () => {
    const tag = decodeCbor(FILE) as CborTag;
    const [header, unprotected, payload, signature] = tag.value as [
      Uint8Array,
      CborMap,
      Uint8Array,
      Uint8Array,
    ];
    const [receipt] = unprotected.get(394) as [Uint8Array];
    const build = (map: CborMap) => encodeCbor(new CborTag(18, [header, map, payload, signature]));
    expect(build(unprotected)).toEqual(FILE);
    const wrong = [
      STATEMENT,
      RECEIPT,
      build(new Map([[394, [receipt, receipt]]])),
      build(new Map([[394, []]])),
      build(new Map([[394, receipt]])),
      build(
        new Map<CborValue, CborValue>([
          [394, [receipt]],
          [99, 0],
        ]),
      ),
      build(new Map([[394, [STATEMENT]]])),
    ];
    for (const bytes of wrong) expect(decodeTransparentStatement(bytes)).toMatchObject({ code: 'malformed' });
  });

  test('misuse of attachReceipt throws', () => {
    expect(() => attachReceipt(FILE, RECEIPT, [])).toThrow(/statementBytes/);
    expect(() => attachReceipt(STATEMENT, STATEMENT, [])).toThrow(/receipt/);
    expect(() => attachReceipt(STATEMENT, new Uint8Array(0), [])).toThrow(/receipt/);
    expect(() => attachReceipt(STATEMENT, RECEIPT, [{ ...LEDGER.anchor, size: -1 }])).toThrow(/anchor.size/);
  });
});
