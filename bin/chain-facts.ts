/** Looks up on a chain what a receipt claims, so that verification rests on what the verifier read itself. */
import { GatewayError } from '../gateway/errors.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import type { AnchorFact, BlockFact, ChainFacts, MissingAnchor, TrustedBlock } from '../src/receipt/trust.ts';
import type { ChainQuestions } from '../src/receipt/verify.ts';
import { ChainEndpoint } from './chain-endpoint.ts';

/** A receipt names one anchor, or a few; whoever wrote the file shall not make its reader ask an endpoint thousands of times. */
const ANCHORS_AT_MOST = 16;
const BEACONS_AT_MOST = 4096;
const AT_ONCE = 8;

export interface Lookup {
  readonly rpcUrl: string;
  /** Blocks that make a block final on a chain without a `finalized` tag. */
  readonly confirmations: number;
  /** The chains whose word counts for a beacon, which names none; any unless given. */
  readonly beaconChains?: ReadonlySet<bigint>;
}

/** What an endpoint was, and in sentences what stood in the way of its answers. */
export interface EndpointReport {
  /** Its address without credentials. */
  readonly name: string;
  /** These three are absent when it did not answer. */
  readonly chainId?: bigint;
  readonly newestBlock?: bigint;
  readonly finalBlock?: bigint;
  readonly remarks: readonly string[];
}

export interface LookedUp {
  readonly facts: ChainFacts;
  readonly endpoints: readonly EndpointReport[];
}

/**
 * Asks several endpoints the same. All that answer count, so that a contradiction among them speaks against the receipt; one that does not
 * answer is told.
 * @throws GatewayError when none of them answers.
 */
export async function lookUpAll(questions: ChainQuestions, lookups: readonly Lookup[]): Promise<LookedUp> {
  const settled = await Promise.allSettled(lookups.map((lookup) => lookUp(questions, lookup)));
  const failures = settled.flatMap((item) => (item.status === 'rejected' ? [item.reason as Error] : []));
  const found = settled.flatMap((item) => (item.status === 'fulfilled' ? [item.value] : []));
  const [failure] = failures;
  if (failure !== undefined && (found.length === 0 || !(failure instanceof GatewayError))) throw failure;
  return {
    facts: {
      anchors: found.flatMap(({ facts }) => facts.anchors),
      missing: found.flatMap(({ facts }) => facts.missing ?? []),
      blocks: found.flatMap(({ facts }) => facts.blocks ?? []),
      trustedBlocks: found.flatMap(({ facts }) => facts.trustedBlocks ?? []),
    },
    endpoints: [
      ...found.flatMap(({ endpoints }) => endpoints),
      ...failures.map((error) => ({
        name: String((error as GatewayError).details['node']),
        remarks: [error.message],
      })),
    ],
  };
}

/**
 * Answers a receipt's questions from one RPC endpoint, which is trusted with that. Anchors on another chain stay unanswered,
 * and those past the sixteenth.
 * @throws GatewayError when the endpoint does not answer, at first or later; TypeError for a URL that is none.
 */
export async function lookUp(questions: ChainQuestions, lookup: Lookup): Promise<LookedUp> {
  const endpoint = new ChainEndpoint(lookup.rpcUrl);
  try {
    const chainId = await endpoint.chainId();
    const newestBlock = await endpoint.newestBlock();
    const finalBlock = await endpoint.finalBlock(newestBlock, lookup.confirmations);
    const here = questions.anchors.filter((anchor) => anchor.chainId === chainId).slice(0, ANCHORS_AT_MOST);
    const view = { endpoint, chainId, newestBlock, finalBlock };
    const found = await Promise.all(here.map((anchor) => findAnchor(view, anchor)));
    // With the proof of its event an anchor needs no more than this; and a hash that is another is seen even where events cannot be searched for.
    const proven = here.filter(({ eventProof }) => eventProof !== undefined);
    const heights = [...new Set(proven.map(({ blockNumber }) => blockNumber))];
    const vouched = await Promise.all(heights.map((number) => vouchFor(view, number)));
    const beacons = await findBeacons(view, questions, lookup.beaconChains);
    const report = { name: endpoint.name, chainId, newestBlock, finalBlock };
    const remarks = [...remarksOn(view, questions.anchors), ...beacons.remarks];
    return {
      facts: {
        anchors: found.flatMap((fact) => (fact !== undefined && 'final' in fact ? [fact] : [])),
        missing: found.flatMap((fact) => (fact !== undefined && !('final' in fact) ? [fact] : [])),
        blocks: beacons.blocks,
        trustedBlocks: vouched.flatMap((block) => block ?? []),
      },
      endpoints: [{ ...report, remarks: remarks.map((remark) => `the node at ${endpoint.name} ${remark}`) }],
    };
  } finally {
    endpoint.close();
  }
}

/** An endpoint with what it said of its chain. */
interface View {
  readonly endpoint: ChainEndpoint;
  readonly chainId: bigint;
  readonly newestBlock: bigint;
  readonly finalBlock: bigint;
}

/** Why this endpoint could not say what a reader asked it for. */
function remarksOn({ chainId, newestBlock, finalBlock }: View, anchors: readonly Anchor[]): string[] {
  const chains = [...new Set(anchors.map((anchor) => anchor.chainId))];
  if (chains.length > 0 && !chains.includes(chainId))
    return [
      `is on chain ${chainId}; the receipt is anchored on chain ${chains.slice(0, ANCHORS_AT_MOST).join(', ')}`,
    ];
  const here = anchors.filter((anchor) => anchor.chainId === chainId).slice(0, ANCHORS_AT_MOST);
  return here.flatMap(({ blockNumber }) => {
    if (blockNumber > newestBlock)
      return [
        `has blocks up to ${newestBlock} only; the anchor is in block ${blockNumber}, so it is behind, or of another network`,
      ];
    return blockNumber > finalBlock
      ? [
          `has final blocks up to ${finalBlock < 0n ? 'none' : finalBlock}; the anchor is in block ${blockNumber}`,
        ]
      : [];
  });
}

/** The event as the chain has it, with its own block and transaction; or that the contract holds no root for the size. */
async function findAnchor(
  { endpoint, newestBlock, finalBlock }: View,
  anchor: Anchor,
): Promise<AnchorFact | MissingAnchor | undefined> {
  const { chainId, contract, logId, size, blockNumber } = anchor;
  const isThere = blockNumber <= newestBlock;
  const inBlock = isThere ? await endpoint.findEvent(anchor, blockNumber) : undefined;
  // Public endpoints may refuse so wide a range; then only the block that the receipt names was looked at.
  const event = inBlock ?? (await endpoint.findEvent(anchor).catch(() => undefined));
  if (event === undefined) {
    const isMissing = isThere && !(await endpoint.hasRoot(anchor));
    return isMissing ? { chainId, contract, logId, size } : undefined;
  }
  const block = await endpoint.block(event.blockHash);
  if (block === undefined) return undefined;
  const final = event.blockNumber <= finalBlock;
  return { chainId, contract, logId, size, ...event, blockTime: block.time, final };
}

async function vouchFor(
  { endpoint, chainId, finalBlock }: View,
  blockNumber: bigint,
): Promise<TrustedBlock | undefined> {
  const block = await endpoint.block(blockNumber);
  if (block === undefined) return undefined;
  return { chainId, blockNumber, blockHash: block.hash, final: blockNumber <= finalBlock, source: 'chain' };
}

/** The blocks that statements name. Their times must be true of their hashes, or whoever answers could choose when a statement was made. */
async function findBeacons(
  { endpoint, chainId }: View,
  { beacons }: ChainQuestions,
  chains: Lookup['beaconChains'],
): Promise<{ blocks: BlockFact[]; remarks: string[] }> {
  const numbers = [...new Set(beacons.map(({ blockNumber }) => blockNumber))].slice(0, BEACONS_AT_MOST);
  if (numbers.length === 0) return { blocks: [], remarks: [] };
  if (chains !== undefined && !chains.has(chainId))
    return {
      blocks: [],
      remarks: [`was not asked for the beacon’s block: the trust file does not name chain ${chainId}`],
    };
  const blocks: BlockFact[] = [];
  const remarks: string[] = [];
  for (let at = 0; at < numbers.length; at += AT_ONCE) {
    const some = numbers.slice(at, at + AT_ONCE);
    const answers = await Promise.all(some.map((number) => endpoint.provenBlock(number)));
    for (const [place, block] of answers.entries()) {
      const blockNumber = some[place] as bigint;
      if (block === 'unproven')
        remarks.push(
          `gave a header of the beacon’s block ${blockNumber} that does not have its hash; it was not taken`,
        );
      else if (block !== 'none')
        blocks.push({ chainId, blockNumber, blockHash: block.hash, blockTime: block.time });
    }
  }
  return { blocks, remarks };
}
