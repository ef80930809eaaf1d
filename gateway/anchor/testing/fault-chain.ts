/** A real chain with a hand in between: it can stop the caller at a step, and it checks the order of steps. */
import type { Anchor } from '../../../src/receipt/anchor.ts';
import type { EventProof } from '../../../src/receipt/event-proof.ts';
import type { AnchorStore, AnchorTarget } from '../../ports.ts';
import type {
  Account,
  AnchorCall,
  Block,
  Chain,
  ContractHead,
  GasOffer,
  Inclusion,
  NodeStatus,
  SendResult,
  SignedTransaction,
} from '../chain.ts';

/** Where a crash can fall. `sent`: the node has the transaction, the answer never arrives. */
export type CrashPoint = 'sign' | 'signed' | 'send' | 'sent' | 'inclusion';

/** Stands for the end of the process: the test throws the anchorer away. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export class FaultChain implements Chain {
  readonly violations: string[] = [];
  /** The next call that reaches this point throws, once. */
  crashAt: CrashPoint | undefined;
  readonly target: AnchorTarget;
  readonly sender: Uint8Array;
  readonly #inner: Chain;
  readonly #store: AnchorStore;
  readonly #afterSend: () => Promise<void>;

  constructor(inner: Chain, store: AnchorStore, afterSend: () => Promise<void>) {
    this.#afterSend = afterSend;
    this.#inner = inner;
    this.#store = store;
    this.target = inner.target;
    this.sender = inner.sender;
  }

  async sign(call: AnchorCall, nonce: number, gasLimit: bigint, offer: GasOffer): Promise<SignedTransaction> {
    const next = (await this.#inner.account()).nonce;
    if (nonce !== next) this.violations.push(`signed for nonce ${nonce} while ${next} is next`);
    this.#pass('sign');
    const signed = await this.#inner.sign(call, nonce, gasLimit, offer);
    this.#pass('signed');
    return signed;
  }

  async send(raw: Uint8Array): Promise<SendResult> {
    const open = await this.#store.open();
    const known = open.some(
      (record) => record.rawTransaction && Buffer.compare(record.rawTransaction, raw) === 0,
    );
    if (!known) this.violations.push('a transaction was sent before it was saved');
    this.#pass('send');
    const result = await this.#inner.send(raw);
    await this.#afterSend();
    this.#pass('sent');
    return result;
  }

  async inclusion(transactionHash: Uint8Array): Promise<Inclusion | undefined> {
    const inclusion = await this.#inner.inclusion(transactionHash);
    if (inclusion !== undefined) this.#pass('inclusion');
    return inclusion;
  }

  get quorum(): number {
    return this.#inner.quorum;
  }
  nodes(): readonly NodeStatus[] {
    return this.#inner.nodes();
  }
  check(): Promise<void> {
    return this.#inner.check();
  }
  newestBlock(): Promise<Block> {
    return this.#inner.newestBlock();
  }
  finalBlock(): Promise<Block> {
    return this.#inner.finalBlock();
  }
  blockAt(number: bigint): Promise<Block | undefined> {
    return this.#inner.blockAt(number);
  }
  head(): Promise<ContractHead> {
    return this.#inner.head();
  }
  account(): Promise<Account> {
    return this.#inner.account();
  }
  suggestedTip(): Promise<bigint> {
    return this.#inner.suggestedTip();
  }
  gasPrice(): Promise<bigint> {
    return this.#inner.gasPrice();
  }
  dataFee(call: AnchorCall): Promise<bigint> {
    return this.#inner.dataFee(call);
  }
  estimateGas(call: AnchorCall): Promise<bigint> {
    return this.#inner.estimateGas(call);
  }
  knows(transactionHash: Uint8Array): Promise<boolean> {
    return this.#inner.knows(transactionHash);
  }
  eventProof(anchor: Anchor): Promise<EventProof> {
    return this.#inner.eventProof(anchor);
  }
  close(): void {
    this.#inner.close();
  }

  #pass(point: CrashPoint): void {
    if (this.crashAt !== point) return;
    this.crashAt = undefined;
    throw new Crash(`crashed at ${point}`);
  }
}
