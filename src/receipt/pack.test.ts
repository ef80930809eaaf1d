import { describe, expect, test } from 'vitest';
import { encodeCbor } from '../cbor.ts';
import { hashEntry } from '../statement.ts';
import type { AnswerCode } from './answer.ts';
import { decodePack, decodePackReceipt, encodePack, signPackReceipt } from './pack.ts';
import { Ledger, LOG_SIGNER, makeDevice, makeRun, makeStatement, ORIGIN, trustIn } from './testing/ledger.ts';
import { isProven, PACK_QUESTIONS, verifyPack, verifyReceipt } from './verify.ts';

const DEVICE = makeDevice(1);
const OTHER = makeDevice(2, 'ESP256');
const TRUST = trustIn(DEVICE, OTHER);
const RUN = await makeRun(DEVICE, 5);
const OTHER_RUN = await makeRun(OTHER, 3);
// Two devices interleaved, with a stranger at 4.
const LEDGER = new Ledger([
  ...RUN.slice(0, 2),
  ...OTHER_RUN.slice(0, 2),
  await makeStatement(makeDevice(3)),
  ...RUN.slice(2),
  ...OTHER_RUN.slice(2),
]);
const OF_DEVICE = [0, 1, 5, 6, 7];
const OF_BOTH = [0, 1, 2, 3, 5, 6, 7, 8];

describe('a good pack', () => {
  test('of two devices answers every question with yes', async () => {
    const verdicts = verifyPack(await LEDGER.exportPack(OF_BOTH), TRUST, LEDGER.facts);
    expect(Object.keys(verdicts.answers)).toEqual([...PACK_QUESTIONS]);
    expect(Object.values(verdicts.answers).map(({ code }) => code)).toEqual([
      'well-formed',
      'included',
      'anchored',
      'final',
      'block-time',
      'complete',
    ]);
    for (const { answers } of verdicts.statements) {
      expect(Object.values(answers).every(({ verdict }) => verdict === 'yes')).toBe(true);
    }
    expect(verdicts.statements.map(({ index }) => index)).toEqual(OF_BOTH);
    expect(verdicts.statements[4]?.statement.bytes).toEqual(RUN[2]);
    expect(isProven(verdicts)).toBe(true);
  });

  test('of all leaves and of one', async () => {
    for (const indices of [[0, 1, 2, 3, 4, 5, 6, 7, 8], [5]]) {
      const verdicts = verifyPack(
        await LEDGER.exportPack(indices),
        trustIn(DEVICE, OTHER, makeDevice(3)),
        LEDGER.facts,
      );
      expect(isProven(verdicts)).toBe(true);
    }
  });

  test('is smaller than its receipts', async () => {
    const pack = await LEDGER.exportPack(OF_DEVICE);
    const receipts = await Promise.all(OF_DEVICE.map((index) => LEDGER.exportReceipt(index)));
    expect(pack.length).toBeLessThan(receipts.reduce((sum, { length }) => sum + length, 0) / 2);
  });
});

describe('completeness', () => {
  const completeOf = async (ledger: Ledger, indices: readonly number[], trust = TRUST) => {
    const verdicts = verifyPack(await ledger.exportPack(indices), trust, ledger.facts);
    return verdicts.answers.complete;
  };

  test('names the range of each device', async () => {
    expect((await completeOf(LEDGER, [1, 2, 3, 5, 6])).data).toEqual({
      ranges: [
        { device: DEVICE.urn, boot: 0, from: 1, to: 3 },
        { device: OTHER.urn, boot: 0, from: 0, to: 1 },
      ],
    });
  });

  test('a statement left out in the middle is a gap, and the rest is proven all the same', async () => {
    const verdicts = verifyPack(await LEDGER.exportPack([0, 1, 6, 7]), TRUST, LEDGER.facts);
    expect(verdicts.answers.complete).toMatchObject({ verdict: 'no', code: 'gap' });
    expect(isProven(verdicts)).toBe(true);
  });

  test('order in the log does not matter', async () => {
    const ledger = new Ledger(RUN.toReversed());
    expect((await completeOf(ledger, [0, 1, 2, 3, 4])).code).toBe('complete');
  });

  test.each<[string, (device: typeof DEVICE) => Promise<Uint8Array[]>, AnswerCode]>([
    [
      'a chain that does not hold',
      async (device) => [
        await makeStatement(device),
        await makeStatement(device, { seq: 1, prev: new Uint8Array(32) }),
      ],
      'broken-chain',
    ],
    [
      'two statements for one number',
      async (device) => [
        await makeStatement(device),
        await makeStatement(device, { issuedAt: 1_750_000_006 }),
      ],
      'equivocation',
    ],
    [
      'a counter that started again',
      async (device) => [...(await makeRun(device, 2)), ...(await makeRun(device, 2, 1))],
      'counter-restarted',
    ],
    [
      'a gap after the counter started again',
      async (device) => {
        const [first, second, third] = await makeRun(device, 3, 1);
        expect(second).toBeDefined();
        return [await makeStatement(device), first as Uint8Array, third as Uint8Array];
      },
      'gap',
    ],
  ])('%s', async (_, makeStatements, code) => {
    const ledger = new Ledger(await makeStatements(DEVICE));
    const indices = ledger.statements.map((_, index) => index);
    expect((await completeOf(ledger, indices)).code).toBe(code);
  });

  test('is not believed without valid signatures', async () => {
    expect(await completeOf(LEDGER, OF_DEVICE, trustIn(OTHER))).toMatchObject({
      verdict: 'unknown',
      code: 'signatures-unproven',
    });
  });
});

describe('tampering', () => {
  test('a statement swapped for another is not in the tree', async () => {
    const pack = decodePack(await LEDGER.exportPack(OF_DEVICE));
    if (pack.kind === 'reject') expect.fail(pack.detail);
    const { size, indices, proof } = pack.value.receipt;
    const receipt = await signPackReceipt(
      { origin: ORIGIN, subject: 'vitals', size, root: LEDGER.anchor.root, indices, proof },
      LOG_SIGNER,
    );
    const forged = await makeStatement(DEVICE, {
      seq: 1,
      prev: hashEntry(RUN[0] as Uint8Array),
      boot: 0,
      subject: 'x',
    });
    const verdicts = verifyPack(
      encodePack(RUN.with(1, forged), receipt, [LEDGER.anchor]),
      TRUST,
      LEDGER.facts,
    );
    expect(verdicts.answers.included.code).toBe('bad-path');
    expect(verdicts.answers.anchored.code).toBe('anchor-of-another-state');
    expect(verdicts.answers.complete.code).toBe('broken-chain');
    expect(isProven(verdicts)).toBe(false);
  });

  test('one unknown device spoils the whole', async () => {
    const verdicts = verifyPack(await LEDGER.exportPack([3, 4]), TRUST, LEDGER.facts);
    expect(verdicts.statements.map(({ answers }) => answers['device-key'].code)).toEqual([
      'key-valid',
      'unknown-device',
    ]);
    expect(isProven(verdicts)).toBe(false);
  });

  test('a receipt is not a pack, nor a pack a receipt', async () => {
    const [receipt, pack] = [await LEDGER.exportReceipt(0), await LEDGER.exportPack([0])];
    expect(verifyPack(receipt, TRUST).answers['well-formed'].code).toBe('malformed');
    expect(verifyReceipt(pack, TRUST).answers['well-formed'].code).toBe('malformed');
    expect(isProven(verifyPack(receipt, TRUST, LEDGER.facts))).toBe(false);
    expect(decodePackReceipt(await LEDGER.signReceipt(0)).kind).toBe('reject');
  });

  test.each<[string, unknown]>([
    ['no map', []],
    ['an empty map', new Map()],
    [
      'a third field',
      new Map<number, unknown>([
        [1, []],
        [2, new Uint8Array(0)],
        [3, 0],
      ]),
    ],
    [
      'no statements',
      new Map<number, unknown>([
        [1, 0],
        [2, new Uint8Array(0)],
      ]),
    ],
    [
      'no receipt',
      new Map<number, unknown>([
        [1, []],
        [2, []],
      ]),
    ],
  ])('%s is malformed', (_, value) => {
    expect(decodePack(encodeCbor(value as never))).toMatchObject({ kind: 'reject', code: 'malformed' });
  });
});

test('misuse throws', async () => {
  const fields = { origin: ORIGIN, subject: 'x', size: 4, root: new Uint8Array(32), indices: [0], proof: [] };
  await expect(signPackReceipt({ ...fields, indices: [] }, LOG_SIGNER)).rejects.toThrow(/indices/);
  await expect(signPackReceipt({ ...fields, indices: [1, 0] }, LOG_SIGNER)).rejects.toThrow(/indices/);
  await expect(signPackReceipt({ ...fields, indices: [4] }, LOG_SIGNER)).rejects.toThrow(/indices/);
  await expect(signPackReceipt({ ...fields, size: 0 }, LOG_SIGNER)).rejects.toThrow(/size/);
  await expect(signPackReceipt({ ...fields, proof: [new Uint8Array(1)] }, LOG_SIGNER)).rejects.toThrow(
    /proof/,
  );
  const receipt = await signPackReceipt(fields, LOG_SIGNER);
  expect(() => encodePack([], receipt, [])).toThrow(/one leaf index for each/);
  expect(() => encodePack([new Uint8Array(3)], receipt, [])).toThrow(RangeError);
});
