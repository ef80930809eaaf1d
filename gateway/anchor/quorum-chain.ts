/**
 * The chain as several nodes have it together. A fact counts when a quorum says the same; what honest nodes see
 * differently is taken so that one node cannot move it (docs/decisions/0017-quorum.md has the rule for each question).
 * With one node its word is the chain's.
 */
import type { Anchor } from '../../src/receipt/anchor.ts';
import type { EventProof } from '../../src/receipt/event-proof.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorTarget } from '../ports.ts';
import { agreedBlock, showBlock } from './agreed-block.ts';
import type {
  Account,
  AnchorCall,
  Block,
  Chain,
  ContractHead,
  GasOffer,
  Inclusion,
  LogIdentity,
  NodeStatus,
  NodeView,
  SendResult,
  SignedTransaction,
} from './chain.ts';
import { assertOurs, showIdentity } from './identity.ts';
import type { MemberParts } from './quorum/member.ts';
import { isOther, Quorum } from './quorum/quorum.ts';
import { alike, alikeOrNothing, anyGood, combined, median, reachedBy, type Vote } from './quorum/votes.ts';

export interface QuorumChainOptions extends MemberParts {
  /** How many nodes must agree: more than half of them. */
  readonly quorum: number;
}

/** What a node said of itself. */
interface Heights {
  readonly newest?: bigint;
  readonly final?: bigint;
}

type GasAnswer = { readonly gas: bigint } | { readonly refused: GatewayError };

/** See chain.ts for what each method promises. */
export class QuorumChain implements Chain {
  readonly target: AnchorTarget;
  readonly sender: Uint8Array;
  readonly quorum: number;
  readonly #first: NodeView;
  readonly #nodes: Quorum<NodeView>;
  readonly #heights = new Map<string, Heights>();
  #newest: bigint | undefined;

  /**
   * Takes the nodes over: `close` closes them. They share target and account.
   * @throws RangeError without nodes, or when the quorum is not more than half of them.
   */
  constructor(nodes: readonly NodeView[], options: QuorumChainOptions) {
    const [first] = nodes;
    if (first === undefined) throw new RangeError('a chain needs a node');
    this.#first = first;
    this.target = first.target;
    this.sender = first.sender;
    this.quorum = options.quorum;
    this.#nodes = new Quorum(nodes, options.quorum, options);
    for (const { name } of nodes) this.#heights.set(name, {});
  }

  nodes(): readonly NodeStatus[] {
    return this.#nodes.status().map((status) => {
      const { newest, final } = this.#heights.get(status.name) ?? {};
      return {
        ...status,
        ...(newest !== undefined && { newestBlock: newest, blocksBehind: this.#blocksBehind(newest) }),
        ...(final !== undefined && { finalBlock: final }),
      };
    });
  }

  async check(): Promise<void> {
    const about = 'the chain, the contract and its operator';
    const identity = await this.#nodes.poll<LogIdentity, LogIdentity>(
      { about, ask: (node) => node.identity(), show: showIdentity, differs: isOther },
      alike(this.quorum),
    );
    const [{ name } = this.#first, ...others] = this.#nodes.status();
    const who =
      others.length === 0 ? `the node at ${name} is` : `${this.quorum} of ${1 + others.length} nodes are`;
    assertOurs(identity, this.target, this.sender, who);
  }

  async newestBlock(): Promise<Block> {
    const block = await agreedBlock(this.#nodes, {
      about: 'the newest block',
      ask: (node) => this.#noted(node, 'newest', node.newestBlock()),
      moving: true,
    });
    this.#newest = block.number;
    return block;
  }

  finalBlock(): Promise<Block> {
    return agreedBlock(this.#nodes, {
      about: 'the final block',
      ask: (node) => this.#noted(node, 'final', node.finalBlock()),
      moving: false,
    });
  }

  blockAt(number: bigint): Promise<Block | undefined> {
    return this.#nodes.poll(
      {
        about: 'a block by its height',
        ask: (node) => node.blockAt(number),
        show: showBlock,
        differs: isOther,
        moving: true,
      },
      alikeOrNothing(this.quorum),
    );
  }

  head(): Promise<ContractHead> {
    return this.#nodes.poll<ContractHead, ContractHead>(
      {
        about: "the contract's head",
        ask: (node) => node.head(),
        show: ({ size }) => `${size} entries`,
        differs: this.#isOtherNow,
        moving: true,
      },
      alike(this.quorum),
    );
  }

  account(): Promise<Account> {
    const reached = (votes: readonly Vote<Account>[]): Account => ({
      nonce: Number(
        reachedBy(
          votes.map(({ value }) => BigInt(value.nonce)),
          this.quorum,
        ),
      ),
      balance: reachedBy(
        votes.map(({ value }) => value.balance),
        this.quorum,
      ),
    });
    return this.#nodes.poll<Account, Account>(
      {
        about: 'the account',
        ask: (node) => node.account(),
        show: ({ nonce, balance }) => `nonce ${nonce}, ${balance} wei`,
        differs: this.#isOtherNow,
        moving: true,
      },
      combined(this.quorum, reached),
    );
  }

  suggestedTip(): Promise<bigint> {
    return this.#price('the tip', (node) => node.suggestedTip());
  }

  gasPrice(): Promise<bigint> {
    return this.#price('the gas price', (node) => node.gasPrice());
  }

  dataFee(call: AnchorCall): Promise<bigint> {
    return this.#price('the data fee', (node) => node.dataFee(call));
  }

  async estimateGas(call: AnchorCall): Promise<bigint> {
    const answer = await this.#nodes.poll<GasAnswer, GasAnswer>(
      {
        about: 'the gas of an anchor',
        ask: (node) => askGas(node, call),
        show: (given) => ('gas' in given ? `${given.gas} gas` : 'that it would be refused'),
      },
      combined(this.quorum, (votes) => judgeGas(votes, this.quorum)),
    );
    if ('refused' in answer) throw answer.refused;
    return answer.gas;
  }

  /** Asks no node: they share the account, so that any of them signs alike. */
  sign(call: AnchorCall, nonce: number, gasLimit: bigint, offer: GasOffer): Promise<SignedTransaction> {
    return this.#first.sign(call, nonce, gasLimit, offer);
  }

  send(raw: Uint8Array): Promise<SendResult> {
    return this.#nodes.poll<SendResult, SendResult>(
      {
        about: 'taking the transaction',
        ask: (node) => node.send(raw),
        show: (result) => (result.kind === 'accepted' ? 'yes' : `no: ${result.detail}`),
      },
      anyGood(this.quorum, isAccepted, kindOfResult),
    );
  }

  knows(transactionHash: Uint8Array): Promise<boolean> {
    return this.#nodes.poll<boolean, boolean>(
      { about: 'whether the transaction is known', ask: (node) => node.knows(transactionHash), show: String },
      combined(this.quorum, (votes) => votes.every(({ value }) => value)),
    );
  }

  inclusion(transactionHash: Uint8Array): Promise<Inclusion | undefined> {
    return this.#nodes.poll(
      {
        about: 'a transaction receipt',
        ask: (node) => node.inclusion(transactionHash),
        show: (found) => (found === undefined ? 'that there is none' : `block ${found.blockNumber}`),
        differs: isOther,
      },
      alikeOrNothing(this.quorum),
    );
  }

  /** From one node: it has none to give but one that proves itself against the anchor's block. */
  eventProof(anchor: Anchor): Promise<EventProof> {
    return this.#nodes.askOne({
      about: "the proof of an anchor's event",
      ask: (node) => node.eventProof(anchor),
      show: () => 'that there is one',
    });
  }

  close(): void {
    this.#nodes.close();
  }

  /** The lower median: a node that asks too much costs nothing, and one that asks too little is outvoted. */
  #price(about: string, ask: (node: NodeView) => Promise<bigint>): Promise<bigint> {
    return this.#nodes.poll<bigint, bigint>(
      { about, ask, show: (price) => `${price} wei` },
      combined(this.quorum, (votes) =>
        median(
          votes.map(({ value }) => value),
          'lower',
        ),
      ),
    );
  }

  /** Keeps what the node says of itself, for the status. */
  async #noted(node: NodeView, which: keyof Heights, asked: Promise<Block>): Promise<Block> {
    const block = await asked;
    this.#heights.set(node.name, { ...this.#heights.get(node.name), [which]: block.number });
    return block;
  }

  /** Of a node that is behind, and says so, another state of the contract or the account is to be expected. */
  readonly #isOtherNow = <T>(value: T, decided: T, node: string): boolean | undefined => {
    const { newest } = this.#heights.get(node) ?? {};
    return newest === undefined || this.#blocksBehind(newest) > 0 ? undefined : isOther(value, decided);
  };

  #blocksBehind(newest: bigint): number {
    return this.#newest === undefined || newest >= this.#newest ? 0 : Number(this.#newest - newest);
  }
}

async function askGas(node: NodeView, call: AnchorCall): Promise<GasAnswer> {
  try {
    return { gas: await node.estimateGas(call) };
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'anchor-failed') return { refused: error };
    throw error;
  }
}

/** What is not used is not paid: of two estimates the higher. */
function judgeGas(votes: readonly Vote<GasAnswer>[], quorum: number): GasAnswer | undefined {
  const answers = votes.map(({ value }) => value);
  const estimates = answers.flatMap((answer) => ('gas' in answer ? [answer.gas] : []));
  if (estimates.length >= quorum) return { gas: median(estimates, 'upper') };
  const refusals = answers.filter((answer) => 'refused' in answer);
  return refusals.length >= quorum ? refusals[0] : undefined;
}

function isAccepted(result: SendResult): boolean {
  return result.kind === 'accepted';
}

/** Nodes word their refusals differently. */
function kindOfResult(result: SendResult): string {
  return result.kind === 'accepted' ? result.kind : result.reason;
}
