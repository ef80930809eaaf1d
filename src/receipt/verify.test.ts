import { describe, expect, test } from 'vitest';
import { createSigner } from '../signature.ts';
import { decodeStatement, signStatement } from '../statement.ts';
import type { Anchor } from './anchor.ts';
import { ANSWER_CODES, type Answer, type AnswerCode, type Question } from './answer.ts';
import { signReceipt } from './receipt.ts';
import {
  ANCHOR_TIME,
  BEACON,
  BEACON_TIME,
  CHAIN_ID,
  CONTRACT,
  digest,
  Ledger,
  LOG_SIGNER,
  makeDevice,
  makeRun,
  makeStatement,
  ORIGIN,
  trustIn,
} from './testing/ledger.ts';
import { attachReceipt } from './transparent-statement.ts';
import type { BlockFact, ChainFacts, Trust, TrustedBlock, TrustedDeviceKey } from './trust.ts';
import {
  chainQuestions,
  isProven,
  outcomeOf,
  RECEIPT_QUESTIONS,
  type ReceiptVerdicts,
  verifyReceipt,
} from './verify.ts';

const DEVICE = makeDevice(1);
const OTHER = makeDevice(2);
const LEDGER = new Ledger([...(await makeRun(DEVICE, 3)), ...(await makeRun(OTHER, 2))]);
const TRUST = trustIn(DEVICE, OTHER);
const FILE = await LEDGER.exportReceipt(2);
const ANCHOR = LEDGER.anchor;

/** The codes of all answers, by question. */
function codesOf(verdicts: ReceiptVerdicts): Record<Question, AnswerCode> {
  const entries = RECEIPT_QUESTIONS.map((question) => [question, verdicts.answers[question].code]);
  return Object.fromEntries(entries) as Record<Question, AnswerCode>;
}

const GOOD = {
  'well-formed': 'well-formed',
  signature: 'signature-valid',
  'device-key': 'key-valid',
  included: 'included',
  anchored: 'anchored',
  final: 'final',
  'not-before': 'beacon-on-chain',
  'not-after': 'block-time',
  timestamp: 'no-timestamp',
};

describe('a good receipt', () => {
  test('answers every question with yes, in order, with times and statement', () => {
    const verdicts = verifyReceipt(FILE, TRUST, LEDGER.facts);
    expect(codesOf(verdicts)).toEqual(GOOD);
    expect(Object.keys(verdicts.answers)).toEqual([...RECEIPT_QUESTIONS]);
    const open = Object.values<Answer>(verdicts.answers).filter(({ verdict }) => verdict !== 'yes');
    expect(open.map(({ question }) => question)).toEqual(['timestamp']);
    expect(isProven(verdicts)).toBe(true);
    expect(verdicts.answers['not-before'].data).toEqual({
      time: BEACON_TIME,
      chainId: CHAIN_ID,
      blockNumber: 100n,
      by: 'beacon',
    });
    expect(verdicts.answers['not-after'].data).toEqual({
      time: ANCHOR_TIME,
      chainId: CHAIN_ID,
      blockNumber: 150n,
      by: 'anchor-event',
    });
    expect(verdicts.statement?.bytes).toEqual(LEDGER.statements[2]);
    expect(verdicts.index).toBe(2);
  });

  test.each(['ESP256', 'ES256K'] as const)('of an %s device too', async (algorithm) => {
    const device = makeDevice(9, algorithm);
    const ledger = new Ledger([await makeStatement(device), await makeStatement(DEVICE)]);
    expect(isProven(verifyReceipt(await ledger.exportReceipt(0), trustIn(device), ledger.facts))).toBe(true);
  });

  test('in a log of one leaf, whose path is empty', async () => {
    const ledger = new Ledger([await makeStatement(DEVICE)]);
    expect(isProven(verifyReceipt(await ledger.exportReceipt(0), TRUST, ledger.facts))).toBe(true);
  });

  test('without facts of a chain only what the file itself shows is known', () => {
    const verdicts = verifyReceipt(FILE, TRUST);
    expect(codesOf(verdicts)).toEqual({
      ...GOOD,
      anchored: 'anchor-unchecked',
      final: 'not-anchored',
      'not-before': 'beacon-unchecked',
      'not-after': 'not-anchored',
    });
    expect(isProven(verdicts)).toBe(false);
  });
});

describe('tampered copies fail at the right question', () => {
  const expectCodes = async (
    file: Uint8Array | Promise<Uint8Array>,
    codes: Partial<Record<Question, AnswerCode>>,
  ) => {
    const verdicts = verifyReceipt(await file, TRUST, LEDGER.facts);
    expect(codesOf(verdicts)).toEqual({ ...GOOD, ...codes });
    expect(isProven(verdicts)).toBe(false);
  };
  const notOnChain = {
    anchored: 'anchor-of-another-state',
    final: 'not-anchored',
    'not-after': 'not-anchored',
  } as const;

  test('a byte of the statement', async () => {
    const bytes = Uint8Array.from(LEDGER.statements[2] as Uint8Array);
    const payloadAt = bytes.lastIndexOf(0x80, bytes.length - 66);
    bytes[payloadAt] = 0x81;
    const file = attachReceipt(bytes, await LEDGER.signReceipt(2), [ANCHOR]);
    await expectCodes(file, { signature: 'bad-signature', included: 'bad-path', ...notOnChain });
  });

  test('a byte of the path', async () => {
    const bytes = Uint8Array.from(FILE);
    const at = lastPathNode(bytes);
    bytes[at] = (bytes[at] as number) ^ 1;
    await expectCodes(bytes, { included: 'bad-path', ...notOnChain });
  });

  test('the signature of the log', async () => {
    const receipt = await LEDGER.signReceipt(2);
    receipt[receipt.length - 40] = (receipt[receipt.length - 40] as number) ^ 1;
    await expectCodes(attachReceipt(LEDGER.statements[2] as Uint8Array, receipt, [ANCHOR]), {
      included: 'bad-log-signature',
    });
  });

  test.each<[keyof Anchor, Partial<Anchor>, AnswerCode]>([
    ['chainId', { chainId: 1n }, 'anchor-of-another-contract'],
    ['contract', { contract: new Uint8Array(20) }, 'anchor-of-another-contract'],
    ['logId', { logId: digest('other log') }, 'anchor-of-another-contract'],
    ['size', { size: 6 }, 'anchor-of-another-state'],
    ['root', { root: digest('other root') }, 'anchor-of-another-state'],
    ['transactionHash', { transactionHash: digest('other') }, 'anchor-contradicted'],
    ['blockNumber', { blockNumber: 151n }, 'anchor-contradicted'],
    ['blockHash', { blockHash: digest('other') }, 'anchor-contradicted'],
    ['blockTime', { blockTime: ANCHOR_TIME - 3600 }, 'anchor-contradicted'],
  ])('the %s of the anchor', async (_, change, code) => {
    await expectCodes(LEDGER.exportReceipt(2, [{ ...ANCHOR, ...change }]), { ...notOnChain, anchored: code });
  });

  test('another device’s key: its statement under this device’s name', async () => {
    const forged = await makeStatement({ urn: DEVICE.urn, signer: OTHER.signer });
    const ledger = new Ledger([forged, ...LEDGER.statements]);
    const verdicts = verifyReceipt(await ledger.exportReceipt(0), TRUST, ledger.facts);
    expect(codesOf(verdicts)).toEqual({ ...GOOD, 'device-key': 'wrong-issuer' });
  });

  test('another device’s key: its signature over this device’s kid', async () => {
    const real = decodeStatement(LEDGER.statements[2] as Uint8Array);
    if (real.kind === 'reject') expect.fail(real.detail);
    const bytes = Uint8Array.from(real.value.bytes);
    bytes.set(await OTHER.signer.sign(real.value.signedBytes), bytes.length - 64);
    const ledger = new Ledger([bytes]);
    const verdicts = verifyReceipt(await ledger.exportReceipt(0), TRUST, ledger.facts);
    expect(codesOf(verdicts)).toEqual({ ...GOOD, signature: 'bad-signature' });
  });

  test('a path longer than any of such a tree', async () => {
    const { size, root } = ANCHOR;
    const fields = { origin: ORIGIN, subject: 'vitals', size, root, index: 2, path: Array(60).fill(root) };
    const file = attachReceipt(LEDGER.statements[2] as Uint8Array, await signReceipt(fields, LOG_SIGNER), [
      ANCHOR,
    ]);
    await expectCodes(file, { included: 'bad-path', ...notOnChain });
  });

  test('a receipt of another statement', async () => {
    const file = attachReceipt(LEDGER.statements[2] as Uint8Array, await LEDGER.signReceipt(1), [ANCHOR]);
    await expectCodes(file, { included: 'bad-path', ...notOnChain });
  });

  test('a receipt for an older state under the anchor of a newer one', async () => {
    const file = attachReceipt(LEDGER.statements[2] as Uint8Array, await LEDGER.signReceipt(2, 4), [ANCHOR]);
    await expectCodes(file, notOnChain);
  });

  test('bytes that are nothing', () => {
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(0xd2),
      LEDGER.statements[2] as Uint8Array,
      FILE.slice(1),
    ]) {
      const verdicts = verifyReceipt(bytes, TRUST, LEDGER.facts);
      expect(verdicts.answers['well-formed'].code).toBe('malformed');
      expect(verdicts.answers.signature).toMatchObject({ verdict: 'unknown', code: 'not-decoded' });
      expect(verdicts.statement).toBeUndefined();
      expect(isProven(verdicts)).toBe(false);
    }
  });
});

/** Where the last node of the path starts in the file of leaf 2 of 5. */
function lastPathNode(file: Uint8Array): number {
  // Head of the inclusion proof: array(3), size 5, index 2, array(3); each node is 58 20 and 32 bytes.
  const head = Buffer.from([0x83, 5, 2, 0x83, 0x58, 0x20]);
  const at = Buffer.from(file).indexOf(head);
  expect(at).toBeGreaterThan(0);
  return at + 4 + 2 * 34 + 2;
}

describe('the log', () => {
  const included = (trust: Partial<Trust>) => verifyReceipt(FILE, { ...TRUST, ...trust }, LEDGER.facts);
  const otherKey = createSigner('Ed25519', new Uint8Array(32).fill(7)).publicKey;

  test('that the verifier does not know is not believed, and not disbelieved', () => {
    const verdicts = included({ logs: [] });
    expect(codesOf(verdicts)).toEqual({ ...GOOD, included: 'unknown-log', anchored: 'anchored-anywhere' });
    expect(isProven(verdicts)).toBe(false);
  });

  test('with another key than the verifier knows', () => {
    expect(codesOf(included({ logs: [{ origin: ORIGIN, key: otherKey }] })).included).toBe('unknown-log-key');
  });

  test('whose key was changed: the old one still counts when it is listed', () => {
    const logs = [
      { origin: ORIGIN, key: otherKey },
      { origin: ORIGIN, key: LOG_SIGNER.publicKey, contract: CONTRACT },
    ];
    expect(isProven(included({ logs }))).toBe(true);
  });

  test('whose contract the verifier does not know: a contract of the operator’s own may take any history, so nothing is proven', () => {
    const verdicts = included({ logs: [{ origin: ORIGIN, key: LOG_SIGNER.publicKey }] });
    expect(codesOf(verdicts)).toEqual({ ...GOOD, anchored: 'anchored-anywhere' });
    expect(verdicts.answers.anchored.verdict).toBe('unknown');
    expect(isProven(verdicts)).toBe(false);
  });
});

describe('the order of the log, for a key that was retired before the anchor', () => {
  const deviceKey = (retiredAtSize: number, chain?: ChainFacts) => {
    const deviceKeys = TRUST.deviceKeys.map((key) => ({
      ...key,
      retiredAt: ANCHOR_TIME - 1,
      retiredAtSize,
      log: ORIGIN,
    }));
    return verifyReceipt(FILE, { ...TRUST, deviceKeys }, chain).answers['device-key'].code;
  };

  test('counts in a log that is anchored', () => {
    expect(deviceKey(3, LEDGER.facts)).toBe('key-retired-later');
    expect(deviceKey(2, LEDGER.facts)).toBe('retirement-undecided');
  });

  test('proves nothing without an anchor: the log could have been written anew', () => {
    expect(deviceKey(3)).toBe('retirement-undecided');
  });
});

describe('anchors', () => {
  const fact = { ...ANCHOR, final: true };
  const judged = async (anchors: readonly Anchor[], chain: ChainFacts) =>
    codesOf(verifyReceipt(await LEDGER.exportReceipt(2, anchors), TRUST, { ...LEDGER.facts, ...chain }));

  test('none', async () => {
    expect(await judged([], LEDGER.facts)).toMatchObject({ anchored: 'no-anchor', final: 'not-anchored' });
  });

  test('looked up and not there', async () => {
    const missing = [CONTRACT].map(({ chainId, address, logId }) => ({
      chainId,
      contract: address,
      logId,
      size: 5,
    }));
    expect(await judged([ANCHOR], { anchors: [], missing })).toMatchObject({ anchored: 'anchor-missing' });
    // One source found it, another says that it is not there: that is told, whoever is right.
    expect(await judged([ANCHOR], { anchors: [fact], missing })).toMatchObject({
      anchored: 'anchor-missing',
    });
  });

  test('with another root on the chain', async () => {
    const other = { ...fact, root: digest('fork') };
    expect(await judged([ANCHOR], { anchors: [other] })).toMatchObject({ anchored: 'anchor-contradicted' });
  });

  test('not final yet: no upper bound, and nothing speaks against it', async () => {
    const waiting = { ...fact, final: false };
    for (const anchors of [[waiting], [fact, waiting]]) {
      const codes = await judged([ANCHOR], { anchors });
      expect(codes).toMatchObject({
        anchored: 'anchored',
        final: 'not-final',
        'not-after': 'block-not-final',
      });
      const verdicts = verifyReceipt(FILE, TRUST, { ...LEDGER.facts, anchors });
      expect([outcomeOf(verdicts), verdicts.answers.final]).toMatchObject([
        'open',
        { verdict: 'unknown', detail: 'block 150 of chain 31337 is not final yet' },
      ]);
    }
  });

  test('of which two sources say different things', async () => {
    for (const anchors of [
      [fact, { ...fact, root: digest('fork') }],
      [{ ...fact, blockTime: 1 }, fact],
    ])
      expect(await judged([ANCHOR], { anchors })).toMatchObject({ anchored: 'anchor-contradicted' });
  });

  test('the transaction is told as checked where the event was found', () => {
    const [known] = verifyReceipt(FILE, TRUST, LEDGER.facts).answers.anchored.data?.anchors ?? [];
    expect(known).toMatchObject({ by: 'anchor-event', transactionHash: ANCHOR.transactionHash });
    expect(known).not.toHaveProperty('claimedTransactionHash');
  });

  test('several: one suffices, a contradicted one spoils, the earliest final block counts', async () => {
    const second = { ...ANCHOR, chainId: 8453n, blockTime: ANCHOR_TIME - 60, blockNumber: 7n };
    const trust: Trust = {
      ...TRUST,
      logs: [CONTRACT, { ...CONTRACT, chainId: 8453n }].map((contract) => ({
        origin: ORIGIN,
        key: LOG_SIGNER.publicKey,
        contract,
      })),
    };
    const file = await LEDGER.exportReceipt(2, [ANCHOR, second]);
    const facts = (...anchors: ChainFacts['anchors']) => verifyReceipt(file, trust, { anchors });
    expect(facts(fact).answers.anchored.code).toBe('anchored');
    const both = facts(fact, { ...second, final: true });
    expect(both.answers['not-after'].data?.time).toBe(ANCHOR_TIME - 60);
    expect(facts(fact, { ...second, final: false }).answers['not-after'].data?.time).toBe(ANCHOR_TIME);
    const spoiled = facts(fact, { ...second, final: true, blockTime: 1 });
    expect(codesOf(spoiled)).toMatchObject({ anchored: 'anchor-contradicted', 'not-after': 'not-anchored' });
  });

  test('a foreign one beside the log’s own is left aside', async () => {
    const foreign = { ...ANCHOR, contract: new Uint8Array(20) };
    expect(await judged([foreign, ANCHOR], LEDGER.facts)).toMatchObject({
      anchored: 'anchored',
      final: 'final',
    });
  });
});

describe('the beacon', () => {
  test('none, not looked up, and of a block that is not the chain’s', async () => {
    const ledger = new Ledger([
      await makeStatement(DEVICE),
      await makeStatement(OTHER, { beacon: { ...BEACON, blockHash: digest('orphan') } }),
    ]);
    const file = await ledger.exportReceipt(1);
    expect(codesOf(verifyReceipt(file, TRUST, ledger.facts))['not-before']).toBe('beacon-not-on-chain');
    const { blocks: _, ...unchecked } = ledger.facts;
    expect(codesOf(verifyReceipt(file, TRUST, unchecked))['not-before']).toBe('beacon-unchecked');
    // The statement itself is proven all the same.
    expect(isProven(verifyReceipt(file, TRUST, ledger.facts))).toBe(true);
  });

  test('of which only the hash is known proves the order, not the time', () => {
    const told: TrustedBlock = { chainId: CHAIN_ID, ...BEACON, final: true, source: 'verifier' };
    const judge = (...trustedBlocks: TrustedBlock[]) =>
      verifyReceipt(FILE, TRUST, { anchors: LEDGER.facts.anchors, trustedBlocks });
    const { answers, interval } = judge(told);
    expect(answers['not-before']).toMatchObject({ verdict: 'yes', code: 'beacon-block-told' });
    expect(interval).not.toHaveProperty('notBefore');
    expect(judge({ ...told, blockHash: digest('x') }).answers['not-before'].code).toBe('beacon-not-on-chain');
    expect(judge({ ...told, blockNumber: 101n }).answers['not-before'].code).toBe('beacon-unchecked');
  });

  test('of which two sources say different things is not counted', () => {
    const { blocks = [], anchors } = LEDGER.facts;
    const [block] = blocks;
    const judge = (other: Partial<BlockFact>) =>
      verifyReceipt(FILE, TRUST, { anchors, blocks: [...blocks, { ...(block as BlockFact), ...other }] })
        .answers['not-before'];
    expect(judge({ blockHash: digest('x') })).toMatchObject({ verdict: 'unknown', code: 'beacon-disputed' });
    // Another chain may have such a block as well; of two times the earlier one counts.
    expect(judge({ blockHash: digest('x'), chainId: 1n }).code).toBe('beacon-on-chain');
    expect(judge({ blockTime: 7 }).data?.time).toBe(7);
  });

  test('a statement without one', async () => {
    const fields = {
      issuer: DEVICE.urn,
      subject: 'vitals',
      contentType: 112,
      seq: 0,
      payload: Uint8Array.of(0x80),
    };
    const bytes = await signStatement(fields, DEVICE.signer);
    const ledger = new Ledger([bytes]);
    const verdicts = verifyReceipt(await ledger.exportReceipt(0), TRUST, ledger.facts);
    expect(codesOf(verdicts)).toEqual({ ...GOOD, 'not-before': 'no-beacon' });
    expect(isProven(verdicts)).toBe(true);
  });
});

describe('the device’s key', () => {
  const judge = (period: Partial<TrustedDeviceKey>, chain?: ChainFacts) => {
    const [key] = TRUST.deviceKeys;
    const trust = { ...TRUST, deviceKeys: [{ ...(key as TrustedDeviceKey), ...period }] };
    return verifyReceipt(FILE, trust, chain);
  };

  test('retired or revoked after the anchor’s block: proven, with an answer that says so', () => {
    const retired = judge({ retiredAt: ANCHOR_TIME }, LEDGER.facts);
    expect(codesOf(retired)).toEqual({ ...GOOD, 'device-key': 'key-retired-later' });
    expect(isProven(retired)).toBe(true);
    const revoked = judge({ revokedAt: ANCHOR_TIME }, LEDGER.facts);
    expect(codesOf(revoked)).toEqual({ ...GOOD, 'device-key': 'key-revoked-later' });
    expect(isProven(revoked)).toBe(true);
  });

  test('retired between beacon and anchor: not proven; before the beacon: refused', () => {
    expect(codesOf(judge({ retiredAt: ANCHOR_TIME - 1 }, LEDGER.facts))['device-key']).toBe(
      'retirement-undecided',
    );
    const { blocks: _, ...withoutBeacon } = LEDGER.facts;
    const dated = judge({ retiredAt: BEACON_TIME + 6 }, withoutBeacon);
    expect(codesOf(dated)['device-key']).toBe('retirement-undecided');
    expect(codesOf(judge({ retiredAt: BEACON_TIME - 1 }, LEDGER.facts))['device-key']).toBe('key-retired');
  });

  test('revoked before the beacon: refused, whatever the anchor', () => {
    const judged = judge({ revokedAt: BEACON_TIME - 1 }, { ...LEDGER.facts, anchors: [] });
    expect(codesOf(judged)['device-key']).toBe('key-revoked');
  });

  test('an anchor that is not final, or not looked up, bounds nothing', () => {
    const open = { ...LEDGER.facts, anchors: [{ ...ANCHOR, final: false }] };
    for (const chain of [open, undefined]) {
      expect(codesOf(judge({ revokedAt: ANCHOR_TIME }, chain))['device-key']).toBe('revocation-undecided');
    }
  });
});

describe('what to look up', () => {
  test('anchors and beacons of a receipt and of a pack, each beacon once', async () => {
    const questions = { kind: 'ok', value: { anchors: [ANCHOR], beacons: [BEACON] } };
    expect(chainQuestions(FILE)).toEqual(questions);
    expect(chainQuestions(await LEDGER.exportPack([0, 1, 4]))).toEqual(questions);
  });

  test('bytes that are neither are refused with the reason that fits', () => {
    expect(chainQuestions(LEDGER.statements[0] as Uint8Array)).toMatchObject({
      detail: expect.stringMatching(/394/),
    });
    expect(chainQuestions(Uint8Array.of(0xa0))).toMatchObject({ detail: expect.stringMatching(/pack/) });
  });
});

test('every code has one verdict and a kebab-case name', () => {
  for (const [code, verdict] of Object.entries(ANSWER_CODES)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(['yes', 'no', 'unknown']).toContain(verdict);
  }
});
