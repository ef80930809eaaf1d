/** Whether the state of the log stands on a chain, for good, and since when. */
import { equalBytes } from '../../bytes.ts';
import type { Anchor } from '../anchor.ts';
import {
  ANSWER_CODES,
  type Answer,
  type AnswerCode,
  answer,
  type FinalitySource,
  type KnownAnchor,
} from '../answer.ts';
import { findEventProofFault } from '../event-proof.ts';
import type { AnchorFact, ChainFacts, LogContract, TrustedBlock } from '../trust.ts';

/** A state of a log; `root` is what a proof leads to, `undefined` when it leads nowhere. */
export interface LogState {
  readonly size: number;
  readonly root: Uint8Array | undefined;
}

export interface AnchoringAnswers {
  readonly anchored: Answer<'anchored'>;
  readonly final: Answer<'final'>;
  readonly 'not-after': Answer<'not-after'>;
}

interface Judged {
  readonly code: AnswerCode;
  readonly detail: string;
  readonly known?: Known;
}

/** An anchor that stands on a chain, and who says that it will stay there. */
interface Known {
  readonly anchor: KnownAnchor;
  readonly finalBy: FinalitySource | undefined;
}

/**
 * Answers `anchored`, `final` and `not-after`.
 *
 * An anchor is for exactly the state (size, root) the proof leads to. It counts when every fact of it agrees with every field, or when it
 * carries the proof of its event and the verifier trusts the hash of that block; what it says itself counts for nothing. One that a fact or a
 * trusted block contradicts, or whose proof is wrong, makes the answer no, whatever else speaks for it; one in a contract that is not the
 * log's is left aside unless there is no other.
 *
 * @param contracts where the log anchors; empty when the verifier does not know.
 */
export function judgeAnchoring(
  anchors: readonly Anchor[],
  state: LogState,
  contracts: readonly LogContract[],
  chain: ChainFacts,
): AnchoringAnswers {
  const judged = anchors.map((anchor) => judgeAnchor(anchor, state, contracts, chain));
  const known = judged.flatMap((item) => item.known ?? []);
  const anchored = judgeAll(judged, known);
  // In a contract nobody vouches for, the time of the block counts all the same; that history was only added to does not.
  if (anchored.code !== 'anchored' && anchored.code !== 'anchored-anywhere') {
    const detail = 'nothing shows this state of the log on a chain';
    return {
      anchored,
      final: answer('final', 'not-anchored', detail),
      'not-after': answer('not-after', 'not-anchored', detail),
    };
  }
  return { anchored, ...judgeFinality(known) };
}

function judgeAll(judged: readonly Judged[], known: readonly Known[]): Answer<'anchored'> {
  const own = judged.filter(({ code }) => code !== 'anchor-of-another-contract');
  const considered = own.length > 0 ? own : judged;
  const decisive =
    considered.find(({ code }) => ANSWER_CODES[code] === 'no') ??
    considered.find(({ code }) => ANSWER_CODES[code] === 'yes') ??
    considered[0];
  if (decisive === undefined) return answer('anchored', 'no-anchor', 'the receipt names no anchor');
  return answer('anchored', decisive.code, decisive.detail, { anchors: known.map(({ anchor }) => anchor) });
}

function judgeAnchor(
  anchor: Anchor,
  state: LogState,
  contracts: readonly LogContract[],
  chain: ChainFacts,
): Judged {
  const { size, root } = state;
  if (root === undefined || anchor.size !== size || !equalBytes(anchor.root, root)) {
    const detail = 'the anchor is for another state of the log than the proof leads to';
    return { code: 'anchor-of-another-state', detail };
  }
  if (contracts.length > 0 && !contracts.some((contract) => isIn(anchor, contract))) {
    const detail = 'the anchor is in a contract that is not this log’s';
    return { code: 'anchor-of-another-contract', detail };
  }
  const known = lookAt(anchor, chain);
  return 'code' in known ? known : describeKnown(known, contracts.length > 0);
}

/** What the verifier knows of an anchor, or why it does not count. What speaks against it comes first. */
function lookAt(anchor: Anchor, chain: ChainFacts): Known | Judged {
  const { chainId, blockNumber, eventProof } = anchor;
  const fault = eventProof && findEventProofFault(anchor, eventProof);
  if (fault !== undefined) return fault;
  const trusted = (chain.trustedBlocks ?? []).filter(
    (block) => block.chainId === chainId && block.blockNumber === blockNumber,
  );
  const facts = chain.anchors.filter((fact) => isSameSlot(fact, anchor));
  const contradiction = findContradiction(anchor, trusted, facts, chain.missing);
  if (contradiction !== undefined) return contradiction;
  if (facts.length === 0 && eventProof === undefined) {
    return { code: 'anchor-unchecked', detail: 'the anchor was not looked up on its chain' };
  }
  if (facts.length === 0 && trusted.length === 0) {
    const detail = `the receipt proves the event in block ${blockNumber} of chain ${chainId}; whether the chain has this block is not known here`;
    return { code: 'block-unvouched', detail };
  }
  const finalBy = whoSaysFinal(facts, trusted);
  const { eventProof: _, transactionHash, ...rest } = anchor;
  const known = { ...rest, final: finalBy !== undefined };
  return facts.length > 0
    ? { finalBy, anchor: { ...known, by: 'anchor-event', transactionHash } }
    : { finalBy, anchor: { ...known, by: 'event-proof', claimedTransactionHash: transactionHash } };
}

function findContradiction(
  anchor: Anchor,
  trusted: readonly TrustedBlock[],
  facts: readonly AnchorFact[],
  missing: ChainFacts['missing'],
): Judged | undefined {
  const { chainId, blockNumber, blockHash } = anchor;
  if (trusted.some((block) => !equalBytes(block.blockHash, blockHash))) {
    const detail = `block ${blockNumber} of chain ${chainId} has another hash than the anchor says`;
    return { code: 'anchor-contradicted', detail };
  }
  const [field] = facts.flatMap((fact) => differingField(fact, anchor) ?? []);
  if (field !== undefined) {
    return { code: 'anchor-contradicted', detail: `the chain has another ${field} for this anchor` };
  }
  if (missing?.some((item) => isSameSlot(item, anchor))) {
    const isDisputed = facts.length > 0;
    const detail = 'the contract holds no root for this size';
    return { code: 'anchor-missing', detail: isDisputed ? `${detail}, though its event was found` : detail };
  }
  return undefined;
}

/** All that was read from the chain must call the block final; the verifier's own word counts where nothing was. */
function whoSaysFinal(
  facts: readonly AnchorFact[],
  trusted: readonly TrustedBlock[],
): FinalitySource | undefined {
  const read = [...facts, ...trusted.filter(({ source }) => source === 'chain')];
  if (read.length > 0) return read.every(({ final }) => final) ? 'chain' : undefined;
  return trusted.some(({ final }) => final) ? 'verifier' : undefined;
}

function describeKnown(known: Known, isPinned: boolean): Judged {
  const { blockNumber, chainId, by } = known.anchor;
  const how = by === 'event-proof' ? ', as the proof in the receipt shows' : '';
  const where = `in block ${blockNumber} of chain ${chainId}${how}`;
  if (isPinned) return { known, code: 'anchored', detail: where };
  const detail = `${where}, in a contract not known to be the log’s: whether it refuses other histories is open`;
  return { known, code: 'anchored-anywhere', detail };
}

function judgeFinality(known: readonly Known[]): Pick<AnchoringAnswers, 'final' | 'not-after'> {
  const byTime = known.toSorted((a, b) => a.anchor.blockTime - b.anchor.blockTime);
  const earliest = byTime.find(({ finalBy }) => finalBy !== undefined);
  if (earliest?.finalBy === undefined) {
    const [waiting] = byTime;
    const block = `block ${waiting?.anchor.blockNumber} of chain ${waiting?.anchor.chainId}`;
    return {
      final: answer('final', 'not-final', `${block} is not final yet`),
      'not-after': answer('not-after', 'block-not-final', `${block} may still be replaced`),
    };
  }
  const { finalBy, anchor } = earliest;
  const { blockTime: time, chainId, blockNumber, by } = anchor;
  const isTold = finalBy === 'verifier';
  const detail = `block ${blockNumber} of chain ${chainId} is final${isTold ? ', as you say' : ''}`;
  const [code, data] = [isTold ? 'final-as-told' : 'final', { by: finalBy, chainId, blockNumber }] as const;
  return {
    final: answer('final', code, detail, data),
    'not-after': answer('not-after', 'block-time', `it existed when block ${blockNumber} was made`, {
      ...{ time, chainId, blockNumber, by },
    }),
  };
}

function isIn(anchor: Anchor, contract: LogContract): boolean {
  return (
    anchor.chainId === contract.chainId &&
    equalBytes(anchor.contract, contract.address) &&
    equalBytes(anchor.logId, contract.logId)
  );
}

/** A contract keeps one root for each size of a log. */
function isSameSlot(a: Pick<Anchor, 'chainId' | 'contract' | 'logId' | 'size'>, b: Anchor): boolean {
  return (
    a.chainId === b.chainId &&
    a.size === b.size &&
    equalBytes(a.contract, b.contract) &&
    equalBytes(a.logId, b.logId)
  );
}

function differingField(fact: Anchor, anchor: Anchor): string | undefined {
  if (!equalBytes(fact.root, anchor.root)) return 'root';
  if (!equalBytes(fact.transactionHash, anchor.transactionHash)) return 'transaction hash';
  if (fact.blockNumber !== anchor.blockNumber) return 'block number';
  if (!equalBytes(fact.blockHash, anchor.blockHash)) return 'block hash';
  return fact.blockTime !== anchor.blockTime ? 'block time' : undefined;
}
