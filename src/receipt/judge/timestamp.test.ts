/** A receipt with a timestamp: whatever of it is altered is told, and nothing of it is ever more than unknown. */
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { utf8ToBytes } from '../../bytes.ts';
import { signCheckpoint } from '../../checkpoint.ts';
import { hashLeaf } from '../../merkle/hash.ts';
import { proveInclusion } from '../../merkle/proof.ts';
import { storeNodes } from '../../merkle/testing/tree.ts';
import { createSigner } from '../../signature.ts';
import { hashEntry } from '../../statement.ts';
import { withTimestamp } from '../envelope.ts';
import { Ledger, LOG_SIGNER, makeDevice, makeRun, ORIGIN, trustIn } from '../testing/ledger.ts';
import { makeToken } from '../testing/token.ts';
import type { ReceiptTimestamp } from '../timestamp.ts';
import { attachReceipt } from '../transparent-statement.ts';
import type { Trust } from '../trust.ts';
import { outcomeOf, verifyReceipt } from '../verify.ts';

const DEVICE = makeDevice(1);
const LEDGER = new Ledger(await makeRun(DEVICE, 5));
const TRUST = trustIn(DEVICE);
const INDEX = 2;
const LEAVES = LEDGER.statements.map((statement) => hashLeaf(hashEntry(statement)));
const { size, root } = LEDGER.anchor;
const note = await signCheckpoint({ origin: ORIGIN, size, root }, LOG_SIGNER);
const STAMP: ReceiptTimestamp = {
  note,
  token: makeToken(sha256(utf8ToBytes(note))),
  path: proveInclusion(storeNodes(LEAVES), INDEX, size),
};
const OTHER = createSigner('Ed25519', new Uint8Array(32).fill(7));

async function judge(change: Partial<ReceiptTimestamp>, trust: Trust = TRUST) {
  const receipt = withTimestamp(await LEDGER.signReceipt(INDEX), { ...STAMP, ...change });
  const file = attachReceipt(LEDGER.statements[INDEX] as Uint8Array, receipt, [LEDGER.anchor]);
  const verdicts = verifyReceipt(file, trust, LEDGER.facts);
  return { outcome: outcomeOf(verdicts), timestamp: verdicts.answers.timestamp };
}

/** A stamp over this note, as an authority gives it for whatever it is asked. */
const stamping = (text: string) => ({ note: text, token: makeToken(sha256(utf8ToBytes(text))) });

test('whose parts fit is open, with its size and the time it names; the rest is proven', async () => {
  expect(await judge({})).toEqual({
    outcome: 'proven',
    timestamp: {
      question: 'timestamp',
      verdict: 'unknown',
      code: 'timestamp-fits',
      detail:
        'the token is over a checkpoint of 5 entries that covers the statement, and the log signed it; its time is the authority’s, whose signature is for openssl to check',
      data: { size: 5, time: Date.UTC(2026, 10, 21, 9, 30) / 1000 },
    },
  });
});

describe('altered', () => {
  const line = note.trimEnd().split('\n').at(-1) ?? '';
  const forged = line.replace(/.{4}$/, (end) => (end === 'AAAA' ? 'BBBB' : 'AAAA'));
  test.each<[string, Partial<ReceiptTimestamp>, string]>([
    ['a size in the note', { note: note.replace('\n5\n', '\n6\n') }, 'timestamp-of-other-bytes'],
    ['a line under the note', { note: `${note}— x AAAAAAE=\n` }, 'timestamp-of-other-bytes'],
    ['no note', { note: 'x' }, 'timestamp-unreadable'],
    ['a note of another log', stamping(note.replace(ORIGIN, 'other/log')), 'timestamp-of-another-log'],
    ['the signature of the log', stamping(note.replace(line, forged)), 'timestamp-bad-log-signature'],
    ['the path', { path: STAMP.path.slice(1) }, 'timestamp-of-another-leaf'],
    ['the token', { token: STAMP.token.slice(1) }, 'timestamp-unreadable'],
    ['a token of other bytes', { token: makeToken(sha256(utf8ToBytes('x'))) }, 'timestamp-of-other-bytes'],
  ])('%s: contradicted', async (_, change, code) => {
    const { outcome, timestamp } = await judge(change);
    expect([outcome, timestamp.verdict, timestamp.code]).toEqual(['contradicted', 'no', code]);
  });
});

test('signed with a key of the log that the verifier does not know: that is told, and is no contradiction', async () => {
  const text = await signCheckpoint({ origin: ORIGIN, size, root }, OTHER);
  const judged = await judge(stamping(text));
  expect([judged.outcome, judged.timestamp.code]).toEqual(['proven', 'timestamp-log-key-unknown']);
  const logs = [...TRUST.logs, { origin: ORIGIN, key: OTHER.publicKey }];
  expect((await judge(stamping(text), { ...TRUST, logs })).timestamp.code).toBe('timestamp-fits');
});
