/** Looks up on a chain what a receipt claims, so that verification rests on what the verifier read itself. */
import { Contract, getBytes, hexlify, Interface, isError, type JsonRpcProvider, type Log } from 'ethers';
import { explainFailure } from '../contracts/explain-failure.ts';
import { connectChain, READING_LOG_ABI } from '../contracts/index.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import type { AnchorFact, BlockFact, ChainFacts, MissingAnchor, TrustedBlock } from '../src/receipt/trust.ts';
import type { ChainQuestions } from '../src/receipt/verify.ts';

const READING_LOG = new Interface(READING_LOG_ABI);

/** A receipt names one anchor, or a few; whoever wrote the file shall not make its reader ask an endpoint thousands of times. */
const ANCHORS_AT_MOST = 16;

/** How a block is known to be final: the node's `finalized` tag, or so many blocks on a chain without one. */
export interface Lookup {
  readonly rpcUrl: string;
  readonly confirmations: number;
}

/**
 * Answers a receipt's questions from one RPC endpoint, which is trusted with that. Anchors on another chain stay unanswered,
 * and those past the sixteenth.
 * @throws ChainError when the endpoint does not answer, at first or later.
 */
export async function lookUp(questions: ChainQuestions, lookup: Lookup): Promise<ChainFacts> {
  const provider = await connectChain(lookup.rpcUrl);
  try {
    const { chainId } = await provider.getNetwork();
    const finalBlock = await newestFinalBlock(provider, lookup.confirmations);
    const onThisChain = questions.anchors
      .filter((anchor) => anchor.chainId === chainId)
      .slice(0, ANCHORS_AT_MOST);
    const found = await Promise.all(onThisChain.map((anchor) => findAnchor(provider, anchor, finalBlock)));
    const blocks = await Promise.all(
      questions.beacons.map(({ blockNumber }) => findBlock(provider, chainId, blockNumber)),
    );
    // With the proof of its event an anchor needs no more than this; and a hash that is another is seen even where events cannot be searched for.
    const proven = onThisChain.filter(({ eventProof }) => eventProof !== undefined);
    const heights = [...new Set(proven.map(({ blockNumber }) => blockNumber))];
    const vouched = await Promise.all(heights.map((number) => findBlock(provider, chainId, number)));
    return {
      anchors: found.flatMap((fact) => (fact !== undefined && 'final' in fact ? [fact] : [])),
      missing: found.flatMap((fact) => (fact !== undefined && !('final' in fact) ? [fact] : [])),
      blocks: blocks.filter((block) => block !== undefined),
      trustedBlocks: vouched.flatMap((block) => (block === undefined ? [] : [toTrusted(block, finalBlock)])),
    };
  } catch (error) {
    // What ethers says of a failed request holds the whole URL, and in it the key of whoever asks.
    throw explainFailure({ what: 'looking up the chain' }, error, READING_LOG);
  } finally {
    provider.destroy();
  }
}

async function newestFinalBlock(provider: JsonRpcProvider, confirmations: number): Promise<number> {
  // Some nodes refuse the tag, others answer it with nothing: both mean that there is none. No answer does not: to count blocks
  // then would call final what the chain itself may still undo.
  const tagged = await provider.getBlock('finalized').catch((error: unknown) => {
    if (isError(error, 'UNKNOWN_ERROR') || isError(error, 'UNSUPPORTED_OPERATION')) return null;
    throw error;
  });
  if (tagged !== null) return tagged.number;
  return (await provider.getBlockNumber()) - confirmations + 1;
}

/** The event as the chain has it, with its own block and transaction; or that the contract holds no root for the size. */
async function findAnchor(
  provider: JsonRpcProvider,
  anchor: Anchor,
  finalBlock: number,
): Promise<AnchorFact | MissingAnchor | undefined> {
  const address = hexlify(anchor.contract);
  const logId = hexlify(anchor.logId);
  const named = Number(anchor.blockNumber);
  const head = await provider.getBlockNumber();
  const topics = READING_LOG.encodeFilterTopics('Anchored', [logId]);
  const inBlock =
    named <= head ? await provider.getLogs({ address, topics, fromBlock: named, toBlock: named }) : [];
  const event =
    findSize(inBlock, anchor.size) ?? findSize(await allLogs(provider, address, topics), anchor.size);
  if (event !== undefined) return toFact(provider, anchor, event, finalBlock);
  const held = await hasRoot(provider, address, logId, anchor.size);
  return held || named > head
    ? undefined
    : { chainId: anchor.chainId, contract: anchor.contract, logId: anchor.logId, size: anchor.size };
}

/** Public endpoints may refuse so wide a range; then only the block that the receipt names was looked at. */
async function allLogs(
  provider: JsonRpcProvider,
  address: string,
  topics: ReturnType<Interface['encodeFilterTopics']>,
): Promise<Log[]> {
  return provider.getLogs({ address, topics, fromBlock: 0, toBlock: 'latest' }).catch(() => []);
}

function findSize(logs: readonly Log[], size: number): Log | undefined {
  return logs.find((log) => READING_LOG.parseLog(log)?.args['size'] === BigInt(size));
}

async function toFact(
  provider: JsonRpcProvider,
  anchor: Anchor,
  event: Log,
  finalBlock: number,
): Promise<AnchorFact | undefined> {
  const block = await provider.getBlock(event.blockHash);
  const root = READING_LOG.parseLog(event)?.args['root'] as string | undefined;
  if (block === null || root === undefined) return undefined;
  return {
    chainId: anchor.chainId,
    contract: anchor.contract,
    logId: anchor.logId,
    size: anchor.size,
    root: getBytes(root),
    transactionHash: getBytes(event.transactionHash),
    blockNumber: BigInt(event.blockNumber),
    blockHash: getBytes(event.blockHash),
    blockTime: block.timestamp,
    final: event.blockNumber <= finalBlock,
  };
}

async function hasRoot(
  provider: JsonRpcProvider,
  address: string,
  logId: string,
  size: number,
): Promise<boolean> {
  const contract = new Contract(address, READING_LOG, provider);
  try {
    await contract.getFunction('rootAt').staticCall(logId, size);
    return true;
  } catch (error) {
    if (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')) return false;
    throw error;
  }
}

async function findBlock(
  provider: JsonRpcProvider,
  chainId: bigint,
  blockNumber: bigint,
): Promise<BlockFact | undefined> {
  if (blockNumber > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const block = await provider.getBlock(Number(blockNumber));
  if (block?.hash == null) return undefined;
  return {
    chainId,
    blockNumber,
    blockHash: getBytes(block.hash),
    blockTime: block.timestamp,
  };
}

function toTrusted({ chainId, blockNumber, blockHash }: BlockFact, finalBlock: number): TrustedBlock {
  return { chainId, blockNumber, blockHash, final: blockNumber <= BigInt(finalBlock), source: 'chain' };
}
