/**
 * Verifying receipts and packs: one answer for each question, from the file, the verifier's trust and what the
 * verifier has read from a chain. Pure: no I/O, no clock. Only the caller's own data can make an answer yes.
 */

import { hashLeaf } from '../merkle/hash.ts';
import { rootFromMultiproof } from '../merkle/multiproof.ts';
import { rootFromInclusionProof } from '../merkle/verify.ts';
import { type Beacon, hashEntry, type Statement } from '../statement.ts';
import { ok, type Parsed } from '../verdict.ts';
import type { Anchor } from './anchor.ts';
import { type Answer, answer, type Question, type TimeInterval } from './answer.ts';
import type { ReceiptEnvelope } from './envelope.ts';
import { judgeAnchoring } from './judge/anchoring.ts';
import { judgeBeacon } from './judge/beacon.ts';
import { judgeCompleteness } from './judge/completeness.ts';
import { type Bounds, judgeDeviceKey } from './judge/device-key.ts';
import { judgeInclusion } from './judge/inclusion.ts';
import { judgeTimestamp } from './judge/timestamp.ts';
import { decodePack } from './pack.ts';
import { decodeTransparentStatement } from './transparent-statement.ts';
import type { ChainFacts, Trust } from './trust.ts';

type Answers<Q extends Question> = { readonly [K in Q]: Answer<K> };
type StatementQuestion = 'signature' | 'device-key' | 'not-before';
type LogQuestion = 'included' | 'anchored' | 'final' | 'not-after';

/** The questions about one receipt, in the order people want them answered. */
export const RECEIPT_QUESTIONS = [
  'well-formed',
  'signature',
  'device-key',
  'included',
  'anchored',
  'final',
  'not-before',
  'not-after',
  'timestamp',
] as const satisfies readonly Question[];

/** The questions about a pack as a whole. Each of its statements has its own `signature`, `device-key` and `not-before`. */
export const PACK_QUESTIONS = [
  'well-formed',
  'included',
  'anchored',
  'final',
  'not-after',
  'complete',
] as const satisfies readonly Question[];

export interface ReceiptVerdicts {
  readonly kind: 'receipt';
  readonly answers: Answers<(typeof RECEIPT_QUESTIONS)[number]>;
  /** Present when the file is well-formed, whatever the answers: show it as proven only if `isProven`. */
  readonly statement?: Statement;
  /** The leaf it claims to be. */
  readonly index?: number;
  /** When it was made, as far as that is proven; open at both ends when nothing is. */
  readonly interval: TimeInterval;
}

/** One statement of a pack. */
export interface PackedVerdicts {
  readonly statement: Statement;
  readonly index: number;
  /** When it was made, as far as that is proven. */
  readonly interval: TimeInterval;
  readonly answers: Answers<StatementQuestion>;
}

export interface PackVerdicts {
  readonly kind: 'pack';
  readonly answers: Answers<(typeof PACK_QUESTIONS)[number]>;
  /** Ascending by index; empty when the pack is not well-formed. */
  readonly statements: readonly PackedVerdicts[];
}

/** What to look up on a chain before verifying. */
export interface ChainQuestions {
  /**
   * For each: on chain `chainId`, the `Anchored` event of `contract` for `logId` and `size`, the transaction and block it stands in,
   * and whether that block is final. Found: an `AnchorFact` from what the chain says. Not found, by a node that is past
   * `blockNumber`: a `MissingAnchor`. For one with an `eventProof` the hash of block `blockNumber` does as well: a `TrustedBlock`.
   */
  readonly anchors: readonly Anchor[];
  /** For each, on the chain the log anchors on: the block of that number. Found: a `BlockFact`. */
  readonly beacons: readonly Beacon[];
}

const NO_FACTS: ChainFacts = { anchors: [] };

/** Verifies a `*.receipt.cbor` file. Without `chain` nothing about anchors and times is more than `unknown`. */
export function verifyReceipt(
  bytes: Uint8Array,
  trust: Trust,
  chain: ChainFacts = NO_FACTS,
): ReceiptVerdicts {
  const decoded = decodeTransparentStatement(bytes);
  if (decoded.kind === 'reject') {
    return { kind: 'receipt', answers: undecoded(RECEIPT_QUESTIONS, decoded), interval: {} };
  }
  const { statement, receipt } = decoded.value;
  const leafHash = leafHashOf(statement);
  const root = rootFromInclusionProof({ ...receipt, leafHash });
  const log = judgeLog(receipt, { size: receipt.size, root }, trust, chain);
  const { origin, index } = receipt;
  const { interval, answers: own } = judgeStatement(statement, trust, chain, log, { origin, index });
  const answers = {
    'well-formed': answer('well-formed', 'well-formed', 'a statement with its receipt'),
    ...own,
    ...log,
    timestamp: judgeTimestamp(receipt.timestamp, { origin, index, leafHash }, trust.logs),
  };
  return { kind: 'receipt', answers: inOrder(RECEIPT_QUESTIONS, answers), statement, index, interval };
}

/** Verifies a `*.receipt-pack.cbor` file. */
export function verifyPack(bytes: Uint8Array, trust: Trust, chain: ChainFacts = NO_FACTS): PackVerdicts {
  const decoded = decodePack(bytes);
  if (decoded.kind === 'reject') {
    return { kind: 'pack', answers: undecoded(PACK_QUESTIONS, decoded), statements: [] };
  }
  const { statements, receipt } = decoded.value;
  const packed = statements.map((statement, at) => ({ statement, index: receipt.indices[at] as number }));
  const leaves = packed.map(({ statement, index }) => ({ index, leafHash: leafHashOf(statement) }));
  const root = rootFromMultiproof({ leaves, size: receipt.size, proof: receipt.proof });
  const log = judgeLog(receipt, { size: receipt.size, root }, trust, chain);
  const { origin } = receipt;
  const judged = packed.map(({ statement, index }) => ({
    ...{ statement, index },
    ...judgeStatement(statement, trust, chain, log, { origin, index }),
  }));
  const areSigned = judged.every(({ answers }) => answers.signature.verdict === 'yes');
  const answers = {
    'well-formed': answer('well-formed', 'well-formed', `${statements.length} statements with their receipt`),
    ...log,
    complete: judgeCompleteness(statements, areSigned),
  };
  return { kind: 'pack', answers: inOrder(PACK_QUESTIONS, answers), statements: judged };
}

/**
 * - `proven`: the devices signed these statements, with keys that were good then, and they stand unaltered in the log and on the chain for
 *   good: every question but `not-before`, `timestamp` and `complete` is answered with yes, and no part of the file contradicts another.
 * - `contradicted`: a part of the file is wrong, or contradicts another or what the verifier knows.
 * - `open`: neither; what was handed in does not decide it.
 *
 * `not-before` is left out because a device need not carry beacons, `timestamp` because no signature of an authority is checked here, and `complete`
 * because a person may choose what to show. Who needs them looks at their answers.
 */
export type Outcome = 'proven' | 'contradicted' | 'open';

/** What the answers come to. */
export function outcomeOf(verdicts: ReceiptVerdicts | PackVerdicts): Outcome {
  const answers = decidingAnswers(verdicts);
  if (answers.some(({ verdict }) => verdict === 'no')) return 'contradicted';
  const isOpen = answers.some(({ question, verdict }) => question !== 'timestamp' && verdict !== 'yes');
  return isOpen ? 'open' : 'proven';
}

/** Whether the outcome is `proven`. */
export function isProven(verdicts: ReceiptVerdicts | PackVerdicts): boolean {
  return outcomeOf(verdicts) === 'proven';
}

/** The answers that the outcome rests on, those about each statement of a pack among them. Of `timestamp` only a no counts. */
export function decidingAnswers(verdicts: ReceiptVerdicts | PackVerdicts): readonly Answer[] {
  const { answers } = verdicts;
  const statements: readonly Pick<Answers<StatementQuestion>, 'signature' | 'device-key'>[] =
    verdicts.kind === 'receipt' ? [verdicts.answers] : verdicts.statements.map((packed) => packed.answers);
  return [
    answers['well-formed'],
    ...statements.flatMap((own) => [own.signature, own['device-key']]),
    ...[answers.included, answers.anchored, answers.final, answers['not-after']],
    ...(verdicts.kind === 'receipt' ? [verdicts.answers.timestamp] : []),
  ];
}

/** What a verifier must look up on a chain for this receipt or pack: claims to be checked, not facts. */
export function chainQuestions(bytes: Uint8Array): Parsed<ChainQuestions> {
  const single = decodeTransparentStatement(bytes);
  if (single.kind === 'ok') {
    return ok(questionsOf([single.value.statement], single.value.receipt.anchors));
  }
  const pack = decodePack(bytes);
  if (pack.kind === 'ok') return ok(questionsOf(pack.value.statements, pack.value.receipt.anchors));
  // A receipt is tagged, a pack is a map: the bytes tell which of the two explanations helps.
  return isTagged(bytes) ? single : pack;
}

function questionsOf(statements: readonly Statement[], anchors: readonly Anchor[]): ChainQuestions {
  const beacons = new Map<string, Beacon>();
  for (const { beacon } of statements) {
    if (beacon !== undefined) beacons.set(`${beacon.blockNumber} ${beacon.blockHash}`, beacon);
  }
  return { anchors, beacons: [...beacons.values()] };
}

function judgeLog(
  receipt: ReceiptEnvelope,
  state: { readonly size: number; readonly root: Uint8Array | undefined },
  trust: Trust,
  chain: ChainFacts,
): Answers<LogQuestion> {
  const contracts = trust.logs
    .filter(({ origin }) => origin === receipt.origin)
    .flatMap(({ contract }) => contract ?? []);
  const included = judgeInclusion(receipt, state.size, state.root, trust.logs);
  return { included, ...judgeAnchoring(receipt.anchors, state, contracts, chain) };
}

function judgeStatement(
  statement: Statement,
  trust: Trust,
  chain: ChainFacts,
  log: Answers<LogQuestion>,
  place: NonNullable<Bounds['place']>,
): Pick<PackedVerdicts, 'answers' | 'interval'> {
  const notBefore = judgeBeacon(statement.beacon, chain);
  const interval = intervalOf(notBefore, log['not-after']);
  const bounds: Bounds = {
    ...(interval.notBefore && { notBefore: interval.notBefore.time }),
    ...(interval.notAfter && { notAfter: interval.notAfter.time }),
    // A log that is not anchored could have been written anew, in any order.
    ...(log.included.verdict === 'yes' && log.anchored.verdict === 'yes' && { place }),
  };
  const answers = { ...judgeDeviceKey(statement, trust.deviceKeys, bounds), 'not-before': notBefore };
  return { answers, interval };
}

function intervalOf(notBefore: Answer<'not-before'>, notAfter: Answer<'not-after'>): TimeInterval {
  return {
    ...(notBefore.verdict === 'yes' && notBefore.data && { notBefore: notBefore.data }),
    ...(notAfter.verdict === 'yes' && notAfter.data && { notAfter: notAfter.data }),
  };
}

/** The entry of a statement is the hash of its bytes, the leaf the hash of the entry (docs/protocol.md, "Log"). */
function leafHashOf(statement: Statement): Uint8Array {
  return hashLeaf(hashEntry(statement.bytes));
}

function undecoded<Q extends Question>(
  questions: readonly Q[],
  failure: Extract<Parsed<never>, { kind: 'reject' }>,
): Answers<Q> {
  const code = failure.code === 'not-deterministic' ? 'not-deterministic' : 'malformed';
  const answers = questions.map((question) =>
    question === 'well-formed'
      ? answer(question, code, failure.detail)
      : answer(question, 'not-decoded', 'the file could not be read'),
  );
  return Object.fromEntries(answers.map((item) => [item.question, item])) as unknown as Answers<Q>;
}

/** The same answers, so that `Object.values` gives them in the order of the questions. */
function inOrder<Q extends Question>(questions: readonly Q[], answers: Answers<Q>): Answers<Q> {
  return Object.fromEntries(
    questions.map((question) => [question, answers[question]]),
  ) as unknown as Answers<Q>;
}

function isTagged(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0xc0;
}
