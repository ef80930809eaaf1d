/** The steps of an anchor, and a gateway that dies exactly at one of them. Seen from outside: by its signer and by its node. */
import { keccak256 } from 'ethers';
import type { Hand, Odd, RpcCall, Truth } from '../../../contracts/testing/node-proxy.ts';
import type { TestChain } from './test-chain.ts';

export const STEPS = [
  /** The signer has signed; the gateway does not hear it. */
  'signed',
  /** Saved, and about to be sent. */
  'recorded',
  /** The node has it; the gateway does not hear that. */
  'sent',
  /** In a block; the gateway does not hear that. */
  'mined',
  /** The block is final; the gateway does not hear that. */
  'confirmed',
  /** Saved as final; nothing else has been done since. */
  'settled',
] as const;
export type Step = (typeof STEPS)[number];

const SILENCE: Odd = { odd: 'silence' };

/** Kills once, the first anchor after it was made. */
export class CrashPoint {
  readonly step: Step;
  readonly #chain: TestChain;
  readonly #kill: () => Promise<unknown>;
  /** The transactions of the one anchor: on a busy machine the first is replaced before it is mined. */
  readonly #sent = new Set<string>();
  #transaction: string | undefined;
  #isStruck = false;
  #isOver = false;
  /** The gateway knows the block. */
  #isHeard = false;
  /** The gateway was told that the block is final. */
  #isToldFinal = false;

  constructor(step: Step, chain: TestChain, kill: () => Promise<unknown>) {
    this.step = step;
    this.#chain = chain;
    this.#kill = kill;
  }

  /** The hash of the anchor's transaction, once the gateway is dead. */
  get transaction(): string | undefined {
    return this.#isOver ? this.#transaction : undefined;
  }

  /** What the signer answers. */
  async onSigned(raw: string): Promise<string | Odd> {
    if (this.step !== 'signed') return raw;
    return this.#strikeOver(keccak256(raw)); // not one that was signed before and is sent only now
  }

  /** What the node answers. */
  readonly hand: Hand = async (call, truth) => {
    if (this.#isStruck) return SILENCE;
    switch (call.method) {
      case 'eth_sendRawTransaction':
        return this.#onSend(call, truth);
      case 'eth_getTransactionReceipt':
        return this.#onReceipt(call, truth);
      case 'eth_getBlockByNumber':
        return this.#onBlock(call, truth);
      case 'eth_getTransactionCount':
        return this.#isToldFinal && this.step === 'settled' ? this.#strike() : truth();
      default:
        return truth();
    }
  };

  /** The anchor's block stays the newest until the gateway has heard of it: so each step has a look at the chain of its own. */
  readonly mayMine = async (): Promise<boolean> => {
    if (this.#isHeard || this.#isStruck) return !this.#isStruck;
    const blocks = await Promise.all([...this.#sent].map((hash) => this.#chain.blockOf(hash)));
    return blocks.every((block) => block === undefined);
  };

  async #onSend({ params }: RpcCall, truth: Truth): Promise<unknown> {
    const hash = keccak256(String(params[0]));
    this.#sent.add(hash);
    if (this.step !== 'recorded' && this.step !== 'sent') return truth();
    if (this.step === 'recorded') return this.#strikeOver(hash);
    return this.#chain.alone(async () => {
      const answer = await truth();
      return typeof answer === 'string' ? this.#strikeOver(hash) : answer; // not when the node refuses it
    });
  }

  async #onReceipt({ params }: RpcCall, truth: Truth): Promise<unknown> {
    const receipt = await truth();
    const hash = String(params[0]);
    if (!this.#sent.has(hash) || receipt === null) return receipt;
    if (this.step === 'mined') return this.#strikeOver(hash);
    this.#transaction ??= hash;
    this.#isHeard = true;
    return receipt;
  }

  async #onBlock({ params }: RpcCall, truth: Truth): Promise<unknown> {
    const block = (await truth()) as { readonly number: string };
    if (params[0] !== 'finalized' || !this.#isHeard) return block;
    const anchored = await this.#chain.blockOf(this.#transaction ?? '');
    if (anchored === undefined || Number(block.number) < anchored) return block;
    if (this.step === 'confirmed') return this.#strike();
    this.#isToldFinal = true;
    return block;
  }

  #strikeOver(transaction: string): Promise<Odd> {
    this.#transaction ??= transaction;
    return this.#strike();
  }

  async #strike(): Promise<Odd> {
    if (!this.#isStruck) {
      this.#isStruck = true;
      await this.#kill();
      this.#isOver = true;
    }
    return SILENCE;
  }
}
