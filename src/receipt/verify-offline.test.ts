/** Receipts with the proof of their anchor's event: a trusted block hash answers what else only a chain could. */
import { describe, expect, test } from 'vitest';
import type { Anchor } from './anchor.ts';
import type { EventProof } from './event-proof.ts';
import { eventOf, inBlock, trusting } from './testing/event-block.ts';
import {
  ANCHOR_TIME,
  BEACON_TIME,
  CHAIN_ID,
  digest,
  Ledger,
  makeDevice,
  makeRun,
  trustIn,
} from './testing/ledger.ts';
import type { ChainFacts } from './trust.ts';
import { chainQuestions, isProven, verifyPack, verifyReceipt } from './verify.ts';

const DEVICE = makeDevice(1);
const LEDGER = new Ledger(await makeRun(DEVICE, 3));
const TRUST = trustIn(DEVICE);
const ANCHOR = inBlock(LEDGER.anchor);
const PROOF = ANCHOR.eventProof as EventProof;
const BLOCK = trusting(ANCHOR);
const { eventProof: _, ...BARE } = ANCHOR;
const FACT = { ...BARE, final: true };
const BLOCK_MOMENT = { time: ANCHOR_TIME, chainId: CHAIN_ID, blockNumber: 150n };

async function judge(anchor: Anchor, facts: Partial<ChainFacts>) {
  const verdicts = verifyReceipt(await LEDGER.exportReceipt(1, [anchor]), TRUST, { anchors: [], ...facts });
  const { anchored, final, 'not-after': notAfter } = verdicts.answers;
  return {
    codes: [anchored.code, final.code, notAfter.code],
    proven: isProven(verdicts),
    interval: verdicts.interval,
  };
}

describe('with a trusted block hash', () => {
  test('the receipt is proven, and nothing was looked up', async () => {
    expect(await judge(ANCHOR, { trustedBlocks: [BLOCK] })).toEqual({
      codes: ['anchored', 'final-as-told', 'block-time'],
      proven: true,
      interval: { notAfter: { ...BLOCK_MOMENT, by: 'event-proof' } },
    });
  });

  test('of a block that may still go it is anchored, not final', async () => {
    expect(await judge(ANCHOR, { trustedBlocks: [trusting(ANCHOR, false)] })).toEqual({
      codes: ['anchored', 'not-final', 'block-not-final'],
      proven: false,
      interval: {},
    });
  });

  test('a pack is proven too, each statement within its interval', async () => {
    const pack = await LEDGER.exportPack([0, 2], [ANCHOR]);
    const { blocks } = LEDGER.facts as Required<ChainFacts>;
    const verdicts = verifyPack(pack, TRUST, { anchors: [], blocks, trustedBlocks: [BLOCK] });
    expect(isProven(verdicts)).toBe(true);
    const notBefore = { time: BEACON_TIME, chainId: CHAIN_ID, blockNumber: 100n, by: 'beacon' };
    const notAfter = { ...BLOCK_MOMENT, by: 'event-proof' };
    expect(verdicts.statements.map(({ interval }) => interval)).toEqual([
      { notBefore, notAfter },
      { notBefore, notAfter },
    ]);
  });

  test('what is known of the anchor is told without the proof', async () => {
    const file = await LEDGER.exportReceipt(1, [ANCHOR]);
    const { anchored } = verifyReceipt(file, TRUST, { anchors: [], trustedBlocks: [BLOCK] }).answers;
    const { transactionHash, ...proven } = FACT;
    // The trie of receipts does not hold the hash of the transaction: it stays the receipt's own word.
    expect(anchored.data?.anchors).toEqual([
      { ...proven, by: 'event-proof', claimedTransactionHash: transactionHash },
    ]);
  });

  test('in a contract nobody vouches for it is a time, and no proof', async () => {
    const file = await LEDGER.exportReceipt(1, [ANCHOR]);
    const logs = TRUST.logs.map(({ contract: _, ...log }) => log);
    const verdicts = verifyReceipt(file, { ...TRUST, logs }, { anchors: [], trustedBlocks: [BLOCK] });
    expect([verdicts.answers.anchored.code, isProven(verdicts)]).toEqual(['anchored-anywhere', false]);
  });
});

const other = digest('other');
const withEvent = (change: Partial<Anchor>): Anchor => {
  // The event of another state, in a block that the verifier trusts.
  const { blockHash, eventProof } = inBlock(LEDGER.anchor, {
    logs: [eventOf({ ...LEDGER.anchor, ...change })],
  });
  return { ...LEDGER.anchor, blockHash, ...(eventProof && { eventProof }) };
};

test.each<[string, Anchor, readonly { readonly trust?: Anchor }[], string]>([
  ['the file alone', ANCHOR, [], 'block-unvouched'],
  ['a hash without a proof', BARE, [{ trust: ANCHOR }], 'anchor-unchecked'],
  [
    'another hash for this number',
    ANCHOR,
    [{ trust: { ...ANCHOR, blockHash: other } }],
    'anchor-contradicted',
  ],
  [
    'one source for it and one against',
    ANCHOR,
    [{ trust: ANCHOR }, { trust: { ...ANCHOR, blockHash: other } }],
    'anchor-contradicted',
  ],
  ['the hash of another number', ANCHOR, [{ trust: { ...ANCHOR, blockNumber: 151n } }], 'block-unvouched'],
  ['the hash on another chain', ANCHOR, [{ trust: { ...ANCHOR, chainId: 1n } }], 'block-unvouched'],
  [
    'a header of another block',
    { ...ANCHOR, blockHash: other },
    [{ trust: { ...ANCHOR, blockHash: other } }],
    'header-of-another-block',
  ],
  [
    'a header that is none',
    { ...ANCHOR, eventProof: { ...PROOF, header: other } },
    [{ trust: ANCHOR }],
    'header-unreadable',
  ],
  [
    'another time than the block’s',
    { ...ANCHOR, blockTime: 1 },
    [{ trust: ANCHOR }],
    'header-of-another-block',
  ],
  [
    'another index',
    { ...ANCHOR, eventProof: { ...PROOF, transactionIndex: 6 } },
    [{ trust: ANCHOR }],
    'event-proof-broken',
  ],
  ['a failed transaction', inBlock(LEDGER.anchor, { succeeded: false }), [], 'transaction-failed'],
  ['no event', inBlock(LEDGER.anchor, { logs: [] }), [], 'event-missing'],
  [
    'the event of another contract',
    withEvent({ contract: other.slice(12) }),
    [],
    'event-of-another-contract',
  ],
  ['the event of another log', withEvent({ logId: other }), [], 'event-of-another-log'],
  ['the event of another size', withEvent({ size: 2 }), [], 'event-of-another-size'],
  ['the event of another root', withEvent({ root: other }), [], 'event-of-another-root'],
])('%s proves nothing, and the answer says why', async (_, anchor, sources, code) => {
  const trusted = sources.map(({ trust = anchor }) => trusting(trust));
  const bad = code.startsWith('event-') || code === 'transaction-failed' ? [trusting(anchor)] : [];
  const judged = await judge(anchor, { trustedBlocks: [...trusted, ...bad] });
  expect(judged).toEqual({ codes: [code, 'not-anchored', 'not-anchored'], proven: false, interval: {} });
});

describe('beside what an endpoint says', () => {
  const ask = async (facts: Partial<ChainFacts>, anchor = ANCHOR) => (await judge(anchor, facts)).codes[0];

  test('both agree: the event found counts', async () => {
    expect(await judge(ANCHOR, { anchors: [FACT], trustedBlocks: [BLOCK] })).toMatchObject({
      codes: ['anchored', 'final', 'block-time'],
      proven: true,
      interval: { notAfter: { ...BLOCK_MOMENT, by: 'anchor-event' } },
    });
    expect(await judge(ANCHOR, { anchors: [FACT] })).toMatchObject({ proven: true });
  });

  test('of what is final the endpoint has the last word', async () => {
    const facts = { anchors: [{ ...FACT, final: false }], trustedBlocks: [BLOCK] };
    expect(await judge(ANCHOR, facts)).toMatchObject({ codes: ['anchored', 'not-final', 'block-not-final'] });
    const read = (final: boolean) => ({ ...trusting(ANCHOR, final), source: 'chain' as const });
    expect((await judge(ANCHOR, { trustedBlocks: [BLOCK, read(false)] })).codes[1]).toBe('not-final');
    expect((await judge(ANCHOR, { trustedBlocks: [BLOCK, read(true)] })).codes[1]).toBe('final');
  });

  test('a contradiction is never proven, whichever of the two is right', async () => {
    const trustedBlocks = [BLOCK];
    expect(await ask({ anchors: [{ ...FACT, root: other }], trustedBlocks })).toBe('anchor-contradicted');
    expect(await ask({ anchors: [{ ...FACT, blockHash: other }], trustedBlocks })).toBe(
      'anchor-contradicted',
    );
    expect(await ask({ anchors: [{ ...FACT, blockTime: 1 }], trustedBlocks })).toBe('anchor-contradicted');
    const { chainId, contract, logId, size } = ANCHOR;
    expect(await ask({ missing: [{ chainId, contract, logId, size }], trustedBlocks })).toBe(
      'anchor-missing',
    );
    expect(await ask({ anchors: [FACT], trustedBlocks: [{ ...BLOCK, blockHash: other }] })).toBe(
      'anchor-contradicted',
    );
  });

  test('an endpoint that confirms a false proof does not help it', async () => {
    const wrong = { ...ANCHOR, eventProof: { ...PROOF, transactionIndex: 3 } };
    expect(await ask({ anchors: [FACT], trustedBlocks: [BLOCK] }, wrong)).toBe('event-proof-broken');
  });
});

test('what to look up names the proof with the anchor', async () => {
  const questions = chainQuestions(await LEDGER.exportReceipt(1, [ANCHOR]));
  expect(questions).toMatchObject({ value: { anchors: [ANCHOR] } });
});
