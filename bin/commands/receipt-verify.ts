import type { Trust } from '../../src/receipt/trust.ts';
import {
  type ChainQuestions,
  chainQuestions,
  outcomeOf,
  verifyPack,
  verifyReceipt,
} from '../../src/receipt/verify.ts';
import { type LookedUp, lookUpAll } from '../chain-facts.ts';
import { type Command, EXIT, text, texts, UsageError, type Values, whole } from '../cli.ts';
import { describeFinding } from '../describe-verdicts.ts';
import { isPack, readReceiptFile } from '../receipt-file.ts';
import { readTrustFile } from '../trust-file.ts';
import { readTrustedBlock } from '../trusted-block.ts';
import { findingToJson } from '../verdicts-json.ts';

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
      description: 'an RPC endpoint you trust, to look the anchor up; of several, all that answer must agree',
      multiple: true,
    },
    'block-hash': {
      type: 'string',
      value: 'NUMBER:0xHASH',
      description:
        'of the anchor’s block, final, or of the beacon’s, from any source you trust: no network is needed then',
      multiple: true,
    },
    confirmations: {
      type: 'string',
      value: 'N',
      description: 'blocks that make a block final where the chain has no tag for it',
      default: '12',
    },
    all: { type: 'boolean', description: 'show every reading, not the first few' },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  help: `
Each question is answered yes, no or unknown. PROVEN, and exit code 0, when all are yes; not-before alone may stay unknown (a
device that heard of no block cannot say after which it signed), and timestamp, whose signature openssl checks. Exit code 1 when an answer
is no: the file contradicts itself, the trust file or the chain. Exit code 4 when none is, but the sources given do not decide
everything, as with a block that is not final yet. The gateway is not asked and not trusted.

A receipt may carry the header of its anchor's block and the proof of the event in it. Then the hash of that block is all that must be known of the
chain: ask a block explorer or a node for block NUMBER (the answers name it), never whoever gave you the receipt. That it is final is
then your word. Without it or --rpc nothing is proven of the chain. With --rpc as well, the two must agree. The hash of the
beacon's block proves that the statement was made after it.
When the trust file names several chains, --block-hash CHAIN:NUMBER:0xHASH says which.

With --json: outcome is proven, contradicted or open; content is what a statement says, and is there when its signature holds; blocksNeeded
names the blocks to look up. What is called claimed is the file's word.`,
  async run(values, positionals, io) {
    const bytes = readReceiptFile(positionals);
    const trust = readTrustFile(text(values, 'trust'));
    const brought = texts(values, 'block-hash').map((hash) => readTrustedBlock(hash, trust));
    const asked = chainQuestions(bytes);
    const questions = asked.kind === 'ok' ? asked.value : { anchors: [], beacons: [] };
    const { facts, endpoints } = asked.kind === 'ok' ? await askEndpoints(questions, values, trust) : NOTHING;
    const chain = { ...facts, trustedBlocks: [...(facts.trustedBlocks ?? []), ...brought] };
    const verdicts = isPack(bytes) ? verifyPack(bytes, trust, chain) : verifyReceipt(bytes, trust, chain);
    const finding = { verdicts, questions, brought, endpoints };
    io.out(
      values['json'] === true ? findingToJson(finding) : describeFinding(finding, values['all'] === true),
    );
    return EXIT_OF[outcomeOf(verdicts)];
  },
};

const EXIT_OF = { proven: EXIT.ok, contradicted: EXIT.no, open: EXIT.open } as const;
const NOTHING: LookedUp = { facts: { anchors: [] }, endpoints: [] };

async function askEndpoints(questions: ChainQuestions, values: Values, trust: Trust): Promise<LookedUp> {
  const urls = texts(values, 'rpc');
  if (urls.length === 0) return NOTHING;
  for (const url of urls)
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new UsageError('--rpc: must be an http or https URL');
  const confirmations = whole(values, 'confirmations', 1, 100_000);
  // A beacon names no chain. On one that nobody vouches for, anybody can make a block of any time.
  const beaconChains = new Set(trust.logs.flatMap(({ contract }) => contract?.chainId ?? []));
  return lookUpAll(
    questions,
    urls.map((rpcUrl) => ({ rpcUrl, confirmations, beaconChains })),
  );
}
