/** The text of `vitalseal status` on anchors, at the moments an operator looks at it. */
import { describe, expect, test } from 'vitest';
import {
  type AnchoringStatus,
  type AnchorView,
  describeAnchoring,
  describeAnchors,
} from './describe-anchoring.ts';
import { describeWitness } from './describe-status.ts';

const NOW = Date.parse('2026-01-02T03:04:00.000Z');
const ago = (seconds: number): number => NOW - seconds * 1000;

const STATUS: AnchoringStatus = {
  recorded: 450,
  submitted: 450,
  anchored: 450,
  final: 450,
  reachedAt: { recorded: ago(90), submitted: ago(89), anchored: ago(80), final: ago(10) },
  sender: '5f'.repeat(20),
  lookedAt: ago(2),
  newestBlock: '1234',
  newestBlockTime: ago(12),
  newestBlockSeenAt: ago(10),
  finalBlock: '1200',
  balance: '1234567890123456789',
  anchorsLeft: 900,
  anchorCost: '1371741983470551',
  daysLeft: 1.5,
  gasUsed: '812345',
  quorum: 1,
  nodes: [
    { name: 'https://rpc.example', state: 'ok', newestBlock: '1234', finalBlock: '1200', disagreements: 0 },
  ],
};

const told = (change: Partial<AnchoringStatus> = {}): string =>
  describeAnchoring({ ...STATUS, ...change }, NOW).join('\n');

test('when all is final', () => {
  expect(told()).toMatchInlineSnapshot(`
    "anchors      recorded  450 entries, since 2026-01-02T03:02:30Z
                 submitted 450 entries, since 2026-01-02T03:02:31Z
                 anchored  450 entries, since 2026-01-02T03:02:40Z
                 final     450 entries, since 2026-01-02T03:03:50Z; 812345 gas so far
    chain        block 1234, 10 s old at the last look 2 s ago (no newer one for 8 s); final 1200
    account      0x5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f holds 1.23457 ether: about 900 anchors at today’s 0.00137174 each, 36.0 hours
    node         https://rpc.example: ok; block 1234, final 1200"
  `);
});

test('before anything was looked at', () => {
  const { newestBlock: _, lookedAt: __, balance: ___, ...rest } = STATUS;
  const fresh = { ...rest, submitted: 0, anchored: 0, final: 0, reachedAt: { recorded: ago(1) } };
  expect(describeAnchoring(fresh, NOW).slice(0, 5).join('\n')).toMatchInlineSnapshot(`
    "anchors      recorded  450 entries, since 2026-01-02T03:03:59Z
                 submitted 0 entries
                 anchored  0 entries
                 final     0 entries; 812345 gas so far
    chain        not looked at yet"
  `);
});

test('while the chain is away, what was seen of it is as of then', () => {
  const lastError = { code: 'chain-unreachable', message: 'the node does not answer', at: ago(1) };
  const seen = { newestBlockTime: ago(72), newestBlockSeenAt: ago(64), lookedAt: ago(64) };
  const lines = told({ ...seen, unreachableSince: ago(60), lastError }).split('\n');
  expect(lines.slice(4, 7).join('\n')).toMatchInlineSnapshot(`
    "chain        does not answer since 2026-01-02T03:03:00Z; block 1234, 8 s old at the last look 64 s ago; final 1200
    account      0x5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f holds 1.23457 ether: about 900 anchors at today’s 0.00137174 each, 36.0 hours (as of 2026-01-02T03:02:56Z)
    error        chain-unreachable at 2026-01-02T03:03:59Z: the node does not answer"
  `);
});

describe('what it waits for', () => {
  test.each([
    [
      { for: 'block', since: ago(90) },
      'the chain stands still: no block since 2026-01-02T03:02:30Z that the pending anchor could go into',
    ],
    [{ for: 'fee', neededWei: '5000000000' }, 'gas costs 5 gwei, above chain.maxFeeGwei'],
    [
      { for: 'next-checkpoint' },
      'the last attempt was reverted by the contract, or its nonce was taken; the next checkpoint is tried',
    ],
  ] as const)('%j', (waitingFor, text) => {
    expect(told({ waitingFor })).toContain(`\nwaiting      ${text}\n`);
  });
});

test('anchors: what each covers, when, at what cost, and why it was set back; the newest only', () => {
  const pending: AnchorView = {
    state: 'submitted',
    setback: 'reorganised',
    size: 450,
    newEntries: 12,
    newStatements: 11,
    sealedAt: ago(90),
    submittedAt: ago(89),
    transaction: `0x${'ab'.repeat(32)}`,
  };
  const { setback: _, ...rest } = pending;
  const final: AnchorView = {
    ...rest,
    state: 'final',
    anchoredAt: ago(80),
    finalAt: ago(10),
    block: { number: '1199' },
    gasUsed: '71234',
    gasPrice: '1200000000',
    cost: '85480800000000',
  };
  expect(describeAnchors([pending, final]).join('\n')).toMatchInlineSnapshot(`
    "anchor       submitted, size 450: 12 new entries, 11 of them statements
                 a reorganisation took its block: it is sent again, or a newer anchor covers it
                 sealed 2026-01-02T03:02:30Z, submitted 2026-01-02T03:02:31Z
                 transaction 0xabababababababababababababababababababababababababababababababab
    anchor       final, size 450: 12 new entries, 11 of them statements
                 sealed 2026-01-02T03:02:30Z, submitted 2026-01-02T03:02:31Z, anchored 2026-01-02T03:02:40Z, final 2026-01-02T03:03:50Z
                 transaction 0xabababababababababababababababababababababababababababababababab, block 1199, 71234 gas at 1.2 gwei = 0.0000854808 ether"
  `);
  expect(describeAnchors(Array.from({ length: 10 }, () => final))).toHaveLength(5 * 3);
});

test('a witness that holds another history is an alarm with its code, its meaning and where to read on', () => {
  const witness = { name: 'witness.example/w1', size: 90, lag: 3, isInConflict: true };
  const lastError = { code: 'witness-conflict', message: 'it has cosigned 93 entries, the log has 90' };
  expect(describeWitness({ ...witness, lastError })).toMatchInlineSnapshot(`
    "witness      witness.example/w1: cosigned up to 90, 3 entries behind; ALARM: it has cosigned another history of this log
                 witness-conflict: it has cosigned 93 entries, the log has 90
                 the log has forked (an old copy was put back, or a second gateway has its key), or the witness fails:
                 stop and find out which, see "Witnesses" in docs/operations.md"
  `);
  expect(describeWitness({ ...witness, isInConflict: false })).toBe(
    'witness      witness.example/w1: cosigned up to 90, 3 entries behind',
  );
});
