/** What a verification came to, in words for a person who was not there. */
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import type { Answer, AnswerCode } from '../src/receipt/answer.ts';
import type { TrustedBlock } from '../src/receipt/trust.ts';
import {
  type ChainQuestions,
  decidingAnswers,
  type Outcome,
  outcomeOf,
  type PackedVerdicts,
  type PackVerdicts,
  type ReceiptVerdicts,
} from '../src/receipt/verify.ts';
import type { EndpointReport } from './chain-facts.ts';
import { describeInterval, formatDuration, formatInterval, formatTime } from './describe-interval.ts';
import { describeStatement } from './describe-statement.ts';
import { type NeededBlock, neededBlocks } from './receipt-file.ts';
import { type DeviceTimes, isTestData, readDeviceTimes } from './statement-content.ts';

/** Everything a verification has to show. */
export interface Finding {
  readonly verdicts: ReceiptVerdicts | PackVerdicts;
  /** What the file claims of chains; nothing when it is not well-formed. */
  readonly questions: ChainQuestions;
  /** The hashes that the reader brought. */
  readonly brought: readonly TrustedBlock[];
  readonly endpoints: readonly EndpointReport[];
}

/** A file may name thousands of anchors; nobody reads them. */
const LINES_AT_MOST = 16;

/** The statements whose own signature holds: of others nothing is told. */
export function signedStatements(verdicts: ReceiptVerdicts | PackVerdicts): PackedVerdicts[] {
  const isSigned = ({ answers }: Pick<PackedVerdicts, 'answers'>) => answers.signature.verdict === 'yes';
  if (verdicts.kind === 'pack') return verdicts.statements.filter(isSigned);
  const { statement, index, interval, answers } = verdicts;
  if (statement === undefined || index === undefined || !isSigned(verdicts)) return [];
  return [{ statement, index, interval, answers }];
}

export function describeFinding(finding: Finding, showAll: boolean): string {
  const { verdicts, questions, endpoints } = finding;
  const outcome = outcomeOf(verdicts);
  const lines = [
    ...Object.values<Answer>(verdicts.answers).map(answerLine),
    ...(verdicts.kind === 'receipt' ? receiptLines(verdicts) : packLines(verdicts)),
    ...questions.anchors.slice(0, LINES_AT_MOST).map((anchor) => anchorLine(anchor, verdicts)),
    ...blockLines(finding),
    ...endpoints.flatMap(({ remarks }) =>
      remarks.slice(0, LINES_AT_MOST).map((remark) => row('endpoint', remark)),
    ),
  ];
  if (outcome === 'proven' && (verdicts.kind === 'receipt' || showAll))
    for (const { statement, index } of signedStatements(verdicts))
      lines.push('', describeStatement(statement, index, showAll));
  return [...lines, '', ...testDataLines(verdicts), conclusion(verdicts, outcome)].join('\n');
}

function row(name: string, text: string): string {
  return `${name.padEnd(12)} ${text}`;
}

function answerLine({ question, verdict, code, detail, data }: Answer): string {
  const time = data !== undefined && 'time' in data ? ` (${formatTime(data.time)})` : '';
  return row(question, `${verdict.padEnd(8)} ${code}: ${detail}${time}`);
}

function receiptLines(verdicts: ReceiptVerdicts): string[] {
  const { interval, answers } = verdicts;
  const isOrderOnly = answers['not-before'].code === 'beacon-block-told';
  const told = describeInterval(interval);
  const [signed] = signedStatements(verdicts);
  const times = signed && describeDeviceTimes(readDeviceTimes(signed.statement, interval));
  return [
    row(
      'interval',
      `         ${isOrderOnly ? told.replace('not before open', 'not before a block whose time is not known here') : told}`,
    ),
    ...(times === undefined ? [] : [row('device times', `         ${times}`)]),
  ];
}

function packLines({ statements }: PackVerdicts): string[] {
  return statements.map(({ statement, index, interval, answers }) => {
    const isOk = ({ verdict, question }: Answer) => verdict === 'yes' || question === 'not-before';
    const wrong = Object.values<Answer>(answers).filter((item) => !isOk(item));
    const isSigned = answers.signature.verdict === 'yes';
    const times = isSigned ? describeDeviceTimes(readDeviceTimes(statement, interval)) : undefined;
    const parts = [
      wrong.length === 0 ? 'ok' : wrong.map(({ code }) => code).join(', '),
      formatInterval(interval),
      ...(isSigned && isTestData(statement) ? ['test data'] : []),
      ...(times === undefined ? [] : [times]),
    ];
    return `  index ${index} seq ${statement.seq}: ${parts.join(', ')}`;
  });
}

/** Only when they lie outside: then a reader would otherwise see two times and not know which one counts. */
function describeDeviceTimes(times: DeviceTimes | undefined): string | undefined {
  const { secondsBeforeInterval: before, secondsAfterInterval: after } = times ?? {};
  const parts = [
    ...(before === undefined ? [] : [`up to ${formatDuration(before)} before it`]),
    ...(after === undefined ? [] : [`up to ${formatDuration(after)} after it`]),
  ];
  return times === undefined || parts.length === 0
    ? undefined
    : `${formatTime(times.earliest)} to ${formatTime(times.latest)} are the device’s claim, and lie outside the proven interval: ${parts.join(', ')}`;
}

/** Where to look it up with a block explorer. */
function anchorLine(anchor: Anchor, { answers }: ReceiptVerdicts | PackVerdicts): string {
  const { chainId, contract, blockNumber, transactionHash } = anchor;
  const isChecked = answers.anchored.data?.anchors.some(
    (known) =>
      known.transactionHash !== undefined &&
      known.chainId === chainId &&
      equalBytes(known.transactionHash, transactionHash),
  );
  const whose = isChecked ? 'checked: the event was found in it' : 'the receipt’s claim, not checked';
  return row(
    'look up',
    `         chain ${chainId}, block ${blockNumber}, contract 0x${bytesToHex(contract)}, transaction 0x${bytesToHex(transactionHash)} (${whose})`,
  );
}

/** The blocks to bring, where some of them are wanting, and hashes that are of no use. Never a hash: who copied it from here would have checked nothing. */
function blockLines({ questions, brought, endpoints }: Finding): string[] {
  const needed = neededBlocks(questions);
  const isOf = (block: TrustedBlock, { chainId, blockNumber }: NeededBlock) =>
    block.blockNumber === blockNumber && (chainId === undefined || block.chainId === chainId);
  const useless = brought.filter((block) => !needed.some((item) => isOf(block, item)));
  const wanting = needed.filter((item) => !brought.some((block) => isOf(block, item)));
  if (needed.length === 0 || (useless.length === 0 && (wanting.length === 0 || endpoints.length > 0)))
    return [];
  const names = needed
    .slice(0, LINES_AT_MOST)
    .map(({ blockNumber, purpose }) => `${blockNumber} (${purpose})`);
  const list = `${names.join(' and ')}${needed.length > names.length ? ' and more' : ''}`;
  const chains = [...new Set(needed.flatMap(({ chainId }) => chainId ?? []))].slice(0, LINES_AT_MOST);
  const where = chains.length === 0 ? '' : ` of chain ${chains.join(', ')}`;
  const given = useless.map(({ chainId, blockNumber }) => `${blockNumber} of chain ${chainId}`).join(' and ');
  return [
    row('blocks', `         ${given === '' ? '' : `you gave ${given}; `}the receipt needs ${list}${where}`),
  ];
}

function testDataLines(verdicts: ReceiptVerdicts | PackVerdicts): string[] {
  const signed = signedStatements(verdicts);
  const marked = signed.filter(({ statement }) => isTestData(statement)).length;
  if (marked === 0) return [];
  const which = verdicts.kind === 'receipt' ? '' : `, ${marked} of ${verdicts.statements.length} statements`;
  return [`TEST DATA${which}: the device says that this does not come from a body`];
}

/** What stands between this file and a proof, for who does not know what a path or a root is. */
function conclusion(verdicts: ReceiptVerdicts | PackVerdicts, outcome: Outcome): string {
  if (outcome === 'proven') return 'PROVEN';
  const deciding = decidingAnswers(verdicts);
  if (verdicts.answers['well-formed'].verdict === 'no')
    return 'NOT PROVEN\nthis is no receipt, or it was damaged or cut off. Compare it with the file you were given.';
  if (outcome === 'contradicted') {
    const against = deciding.filter(({ verdict }) => verdict === 'no');
    const speaks = isOne(against) ? 'speaks' : 'speak';
    return `NOT PROVEN\n${names(against)} ${speaks} against it. ${explain(against)}`;
  }
  const open = deciding.filter(({ verdict, question }) => verdict !== 'yes' && question !== 'timestamp');
  const [next] = open.flatMap(({ code }) => NEXT_STEP[code] ?? []);
  const step = next === undefined ? '' : ` ${next}`;
  return `NOT PROVEN\nnothing speaks against it, but open ${isOne(open) ? 'is' : 'are'} ${names(open)}.${step}`;
}

function explain(against: readonly Answer[]): string {
  if (against.every(({ code }) => KEY_OUT_OF_USE.has(code)))
    return 'By the trust file the key was not to be trusted at the time that is proven.';
  const isOfSources = against.some(({ code }) => code === 'anchor-contradicted' || code === 'anchor-missing');
  const orSources = isOfSources ? ', or an endpoint or block hash you gave is not the chain’s' : '';
  return `The file was altered, or it is not from whom the trust file names${orSources}.`;
}

const KEY_OUT_OF_USE: ReadonlySet<AnswerCode> = new Set(['key-not-yet-valid', 'key-retired', 'key-revoked']);

const NEXT_STEP: Partial<Record<AnswerCode, string>> = {
  'not-final': 'It is not final yet; ask again in some minutes.',
  'no-anchor': 'Export it again when it is anchored.',
  'unknown-log': 'The trust file does not know this log.',
  'unknown-device': 'The trust file does not know this device.',
  'anchored-anywhere': 'The trust file does not name the contract of this log.',
  'anchor-unchecked': 'Give --rpc URL to look the anchor up on its chain.',
  'block-unvouched':
    'Ask a source you trust for the hash of the block that anchored names, and give it with --block-hash; or give --rpc URL.',
};

function names(answers: readonly Answer[]): string {
  return [...new Set(answers.map(({ question }) => question))].join(', ');
}

function isOne(answers: readonly Answer[]): boolean {
  return new Set(answers.map(({ question }) => question)).size === 1;
}
