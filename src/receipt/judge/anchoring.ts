/** Whether the state of the log stands on a chain, for good, and since when. */
import { equalBytes } from '../../bytes.ts';
import type { Anchor } from '../anchor.ts';
import { ANSWER_CODES, type Answer, type AnswerCode, answer } from '../answer.ts';
import type { AnchorFact, ChainFacts, LogContract } from '../trust.ts';

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
  readonly anchor: Anchor;
  readonly code: AnswerCode;
  readonly detail: string;
  readonly fact?: AnchorFact;
}

/**
 * Answers `anchored`, `final` and `not-after`.
 *
 * An anchor is for exactly the state (size, root) the proof leads to. It counts when a fact agrees with every field of it; what it says
 * itself counts for nothing. One that a fact contradicts makes the answer no, whatever the others say; one in a contract that is not
 * the log's is left aside unless there is no other.
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
  const facts = judged.flatMap(({ fact }) => fact ?? []);
  const anchored = judgeAll(judged, facts);
  // In a contract nobody vouches for, the time of the block counts all the same; that history was only added to does not.
  if (anchored.code !== 'anchored' && anchored.code !== 'anchored-anywhere') {
    const detail = 'nothing shows this state of the log on a chain';
    return {
      anchored,
      final: answer('final', 'not-anchored', detail),
      'not-after': answer('not-after', 'not-anchored', detail),
    };
  }
  return { anchored, ...judgeFinality(facts) };
}

function judgeAll(judged: readonly Judged[], facts: readonly AnchorFact[]): Answer<'anchored'> {
  const own = judged.filter(({ code }) => code !== 'anchor-of-another-contract');
  const considered = own.length > 0 ? own : judged;
  const decisive =
    considered.find(({ code }) => ANSWER_CODES[code] === 'no') ??
    considered.find(({ code }) => ANSWER_CODES[code] === 'yes') ??
    considered[0];
  if (decisive === undefined) return answer('anchored', 'no-anchor', 'the receipt names no anchor');
  return answer('anchored', decisive.code, decisive.detail, { anchors: facts });
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
    return { anchor, code: 'anchor-of-another-state', detail };
  }
  if (contracts.length > 0 && !contracts.some((contract) => isIn(anchor, contract))) {
    const detail = 'the anchor is in a contract that is not this log’s';
    return { anchor, code: 'anchor-of-another-contract', detail };
  }
  return compareWithChain(anchor, contracts.length > 0, chain);
}

function compareWithChain(anchor: Anchor, isPinned: boolean, chain: ChainFacts): Judged {
  const facts = chain.anchors.filter((fact) => isSameSlot(fact, anchor));
  const fact = facts.find((candidate) => differingField(candidate, anchor) === undefined);
  if (fact !== undefined) {
    return isPinned
      ? {
          anchor,
          fact,
          code: 'anchored',
          detail: `in block ${anchor.blockNumber} of chain ${anchor.chainId}`,
        }
      : {
          anchor,
          fact,
          code: 'anchored-anywhere',
          detail: `in block ${anchor.blockNumber} of chain ${anchor.chainId}, in a contract not known to be the log’s: whether it refuses other histories is open`,
        };
  }
  const [other] = facts;
  if (other !== undefined) {
    const detail = `the chain has another ${differingField(other, anchor)} for this anchor`;
    return { anchor, code: 'anchor-contradicted', detail };
  }
  if (chain.missing?.some((missing) => isSameSlot(missing, anchor))) {
    const detail = 'the contract holds no root for this size';
    return { anchor, code: 'anchor-missing', detail };
  }
  return { anchor, code: 'anchor-unchecked', detail: 'the anchor was not looked up on its chain' };
}

function judgeFinality(facts: readonly AnchorFact[]): Pick<AnchoringAnswers, 'final' | 'not-after'> {
  const earliest = facts.filter((fact) => fact.final).sort((a, b) => a.blockTime - b.blockTime)[0];
  if (earliest === undefined) {
    return {
      final: answer('final', 'not-final', 'the block of the anchor is not final yet'),
      'not-after': answer('not-after', 'block-not-final', 'the block of the anchor may still be replaced'),
    };
  }
  const { blockTime: time, chainId, blockNumber } = earliest;
  return {
    final: answer('final', 'final', `block ${blockNumber} of chain ${chainId} is final`),
    'not-after': answer('not-after', 'block-time', `it existed when block ${blockNumber} was made`, {
      time,
      chainId,
      blockNumber,
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
