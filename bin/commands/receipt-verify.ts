import { readFileSync } from 'node:fs';
import { bytesToHex } from '../../src/bytes.ts';
import type { Answer, AnswerCode } from '../../src/receipt/answer.ts';
import type { ChainFacts, Trust } from '../../src/receipt/trust.ts';
import {
  chainQuestions,
  isProven,
  type PackVerdicts,
  type ReceiptVerdicts,
  verifyPack,
  verifyReceipt,
} from '../../src/receipt/verify.ts';
import { lookUp } from '../chain-facts.ts';
import { argument, type Command, EXIT, optionalText, text, UsageError, type Values, whole } from '../cli.ts';
import { describeInterval, formatInterval, formatTime } from '../describe-interval.ts';
import { describeStatement } from '../describe-statement.ts';
import { describeTimestamp } from '../receipt-timestamp.ts';
import { readTrustFile } from '../trust-file.ts';
import { readTrustedBlock } from '../trusted-block.ts';

const LONGEST_FILE_BYTES = 64 * 1024 * 1024;

export const receiptVerify: Command = {
  name: 'receipt verify',
  summary: 'Check a receipt: one verdict for each question',
  positionals: 'FILE',
  options: {
    trust: {
      type: 'string',
      value: 'FILE',
      description: 'whom you trust: log keys, contracts, device keys (receipt trust writes one)',
      required: true,
    },
    rpc: {
      type: 'string',
      value: 'URL',
      description:
        'an RPC endpoint you trust, to look the anchor up; without it, or a block hash, nothing is proven of the chain',
    },
    'block-hash': {
      type: 'string',
      value: 'NUMBER:0xHASH',
      description: 'of the anchor’s block, final, from any source you trust: no network is needed then',
    },
    confirmations: {
      type: 'string',
      value: 'N',
      description: 'blocks that make a block final where the chain has no tag for it',
      default: '12',
    },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  help: `
Each question is answered yes, no or unknown. PROVEN, and exit code 0, when all are yes; not-before alone may stay unknown: a
device that heard of no block cannot say after which it signed. The gateway is not asked and not trusted.

A receipt may carry the header of its anchor's block and the proof of the event in it. Then the hash of that block is all that must be known of the
chain: ask a block explorer or a node for block NUMBER (the answers name it), never whoever gave you the receipt. With --rpc as well, the
two must agree. When the trust file names several chains, --block-hash CHAIN:NUMBER:0xHASH says which.`,
  async run(values, positionals, io) {
    const bytes = readReceipt(positionals);
    const trust = readTrustFile(text(values, 'trust'));
    const facts = await gatherFacts(bytes, values, trust);
    const verdicts = isPack(bytes) ? verifyPack(bytes, trust, facts) : verifyReceipt(bytes, trust, facts);
    const proven = isProven(verdicts);
    io.out(
      values['json'] === true
        ? JSON.stringify({ proven, ...summary(verdicts) }, plain, 2)
        : describe(verdicts, proven),
    );
    return proven ? EXIT.ok : EXIT.no;
  },
};

export const receiptInspect: Command = {
  name: 'receipt inspect',
  summary: 'Show what a receipt says, without checking any of it',
  positionals: 'FILE',
  options: {
    'timestamp-out': {
      type: 'string',
      value: 'NAME',
      description: 'write its timestamp to NAME.checkpoint and NAME.tst, for openssl ts -verify',
    },
  },
  async run(values, positionals, io) {
    const bytes = readReceipt(positionals);
    const verdicts = isPack(bytes)
      ? verifyPack(bytes, { logs: [], deviceKeys: [] })
      : verifyReceipt(bytes, { logs: [], deviceKeys: [] });
    const wellFormed = verdicts.answers['well-formed'];
    if (wellFormed.verdict !== 'yes') {
      io.err(`not a receipt: ${wellFormed.detail}`);
      return EXIT.no;
    }
    const statements = verdicts.kind === 'pack' ? verdicts.statements : [verdicts];
    for (const { statement, index } of statements) {
      if (statement !== undefined) io.out(describeStatement(statement, index));
    }
    const questions = chainQuestions(bytes);
    for (const anchor of questions.kind === 'ok' ? questions.value.anchors : []) {
      io.out(
        `claims an anchor: chain ${anchor.chainId}, contract 0x${bytesToHex(anchor.contract)}, log size ${anchor.size}, block ${anchor.blockNumber}, ${anchor.eventProof === undefined ? 'without' : 'with'} the proof of its event`,
      );
    }
    const out = optionalText(values, 'timestamp-out');
    const stamped = describeTimestamp(bytes, out);
    for (const line of stamped) io.out(line);
    if (out !== undefined && stamped.length === 0) {
      io.err('the receipt holds no timestamp; nothing was written');
      return EXIT.no;
    }
    io.out('none of this has been checked; vitalseal receipt verify does that');
    return EXIT.ok;
  },
};

/** What the caller's own sources say: the endpoint, the block hash, or both. */
async function gatherFacts(bytes: Uint8Array, values: Values, trust: Trust): Promise<ChainFacts> {
  const hash = optionalText(values, 'block-hash');
  const brought = hash === undefined ? [] : [readTrustedBlock(hash, trust)];
  const rpcUrl = optionalText(values, 'rpc');
  const questions = chainQuestions(bytes);
  if (rpcUrl === undefined || questions.kind === 'reject') return { anchors: [], trustedBlocks: brought };
  const confirmations = whole(values, 'confirmations', 1, 100_000);
  const { trustedBlocks = [], ...found } = await lookUp(questions.value, { rpcUrl, confirmations });
  return { ...found, trustedBlocks: [...trustedBlocks, ...brought] };
}

function readReceipt(positionals: readonly string[]): Uint8Array {
  const file = argument(positionals);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  if (bytes.length > LONGEST_FILE_BYTES) throw new UsageError(`${file} is too large for a receipt`);
  return Uint8Array.from(bytes);
}

/** A receipt is a tagged COSE_Sign1, a pack a map. */
function isPack(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0xa0;
}

function describe(verdicts: ReceiptVerdicts | PackVerdicts, proven: boolean): string {
  const lines = Object.values(verdicts.answers).map(answerLine);
  if (verdicts.kind === 'receipt') {
    lines.push(`${'interval'.padEnd(21)} ${describeInterval(verdicts.interval)}`);
    if (verdicts.statement !== undefined && proven)
      lines.push('', describeStatement(verdicts.statement, verdicts.index));
  } else {
    for (const { statement, index, answers, interval } of verdicts.statements) {
      const wrong = Object.values(answers).filter(
        ({ verdict, question }) => verdict !== 'yes' && question !== 'not-before',
      );
      lines.push(
        `  index ${index} seq ${statement.seq}: ${wrong.length === 0 ? 'ok' : wrong.map(({ code }) => code).join(', ')}, ${formatInterval(interval)}`,
      );
    }
  }
  return [...lines, '', proven ? 'PROVEN' : notProven(verdicts)].join('\n');
}

/** What stands between this file and a proof, for who does not know what a path or a root is. */
function notProven({ answers }: ReceiptVerdicts | PackVerdicts): string {
  const of = (wanted: string) => Object.values<Answer>(answers).filter(({ verdict }) => verdict === wanted);
  const names = (list: readonly Answer[]) => list.map(({ question }) => question).join(', ');
  const against = of('no');
  if (answers['well-formed'].verdict === 'no')
    return 'NOT PROVEN\nthis is no receipt, or it was damaged or cut off. Compare it with the file you were given.';
  if (against.length > 0) {
    const sources = against.some(({ code }) => code === 'anchor-contradicted' || code === 'anchor-missing');
    const orSources = sources ? ', or the endpoint or block hash you gave is not the chain’s' : '';
    return `NOT PROVEN\n${names(against)} speak against it. The file was altered, or it is not from whom the trust file names${orSources}.`;
  }
  const [next] = of('unknown').flatMap(({ code }) => NEXT_STEP[code] ?? []);
  const open = of('unknown').filter(({ question }) => question !== 'not-before');
  return `NOT PROVEN\nnothing speaks against it, but open are ${names(open)}.${next === undefined ? '' : ` ${next}`}`;
}

/** What to bring. The hash that the file claims is not printed: who copied it from here would have checked nothing. */
const NEXT_STEP: Partial<Record<AnswerCode, string>> = {
  'anchor-unchecked': 'Give --rpc URL to look the anchor up on its chain.',
  'block-unvouched':
    'Ask a source you trust for the hash of the block that anchored names, and give it with --block-hash; or give --rpc URL.',
};

function answerLine({ question, verdict, code, detail, data }: Answer): string {
  const time = data !== undefined && 'time' in data ? ` (${formatTime(data.time)})` : '';
  return `${question.padEnd(12)} ${verdict.padEnd(8)} ${code}: ${detail}${time}`;
}

function summary(verdicts: ReceiptVerdicts | PackVerdicts): object {
  const statements = verdicts.kind === 'pack' ? verdicts.statements : [verdicts];
  return {
    answers: verdicts.answers,
    statements: statements.flatMap(({ statement, index, interval, answers }) =>
      statement === undefined
        ? []
        : [
            {
              device: statement.issuer,
              boot: statement.boot,
              seq: statement.seq,
              index,
              interval,
              ...(verdicts.kind === 'pack' ? { answers } : {}),
            },
          ],
    ),
  };
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToHex(value);
  return typeof value === 'bigint' ? value.toString() : value;
}
