/** One nonce, and the attempts to get a checkpoint into a block under it. */
import { equalBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord, AnchorStore, Clock, GasFee } from '../ports.ts';
import type { Account, AnchorCall, Chain, ContractHead, GasOffer } from './chain.ts';
import { isDue } from './due.ts';
import type { FeeLimit } from './fee-policy.ts';
import { type FeeMarket, isPayable } from './fees.ts';
import { type ChainView, sameTarget } from './reconcile.ts';

export interface AttemptParts {
  readonly chain: Chain;
  readonly store: AnchorStore;
  readonly clock: Clock;
}

export interface AttemptOptions {
  /** How long a transaction may be pending, while blocks go by, before it is replaced. */
  readonly stuckAfterMs: number;
}

/** One look at the chain, all of it taken together. */
export interface Look {
  readonly view: ChainView;
  readonly account: Account;
  readonly market: FeeMarket;
  /** Wei that an anchor pays beside its gas. */
  readonly dataFee: bigint;
}

export type SubmitOutcome =
  /** The contract holds the newest checkpoint. */
  | { readonly kind: 'done' }
  | { readonly kind: 'sent'; readonly record: AnchorRecord; readonly replaces?: AnchorRecord }
  | { readonly kind: 'resent'; readonly record: AnchorRecord }
  | { readonly kind: 'waiting'; readonly for: 'inclusion' }
  | PriceWait
  /** The last attempt reverted, or another took its nonce: one for each checkpoint, or a fault would burn money in a loop. */
  | { readonly kind: 'waiting'; readonly for: 'next-checkpoint' };

/** Nothing is sent for the price of it. `needed`: wei for each unit of gas that would do. */
export type PriceWait =
  /** Gas costs more than the ceiling allows. */
  | { readonly kind: 'waiting'; readonly for: 'fee'; readonly needed: bigint }
  /** Gas costs more than one would like to pay; from `until` (ms) on anything below the ceiling is paid. */
  | {
      readonly kind: 'waiting';
      readonly for: 'cheaper-gas';
      readonly needed: bigint;
      readonly until: number;
    }
  /** A transaction at this nonce is stuck in the pool, and a replacement that nodes would take passes the ceiling. */
  | { readonly kind: 'waiting'; readonly for: 'stuck-at-ceiling'; readonly needed: bigint };

export class Attempt {
  readonly #parts: AttemptParts;
  readonly #options: AttemptOptions;
  readonly #look: Look;
  readonly #limit: FeeLimit;
  readonly #call: AnchorCall;

  constructor(parts: AttemptParts, options: AttemptOptions, look: Look, limit: FeeLimit, call: AnchorCall) {
    this.#parts = parts;
    this.#options = options;
    this.#look = look;
    this.#limit = limit;
    this.#call = call;
  }

  /** The youngest of our attempts that can take the account's next nonce. */
  async current(): Promise<AnchorRecord | undefined> {
    const { chain, store } = this.#parts;
    const open = await store.open();
    return open.findLast(
      (record) =>
        record.state === 'submitted' &&
        record.nonce === this.#look.account.nonce &&
        equalBytes(record.sender, chain.sender) &&
        sameTarget(record.target, chain.target),
    );
  }

  /** A transaction under a nonce that none of ours has. */
  async send(): Promise<SubmitOutcome> {
    const choice = this.#limit.choose();
    return choice.kind === 'ok' ? this.#submit(choice.offer) : this.#waitForPrice(choice.needed, 'fee');
  }

  /** Goes on with an attempt that is in no block yet. */
  async pursue(current: AnchorRecord, head: ContractHead): Promise<SubmitOutcome> {
    // Of no use once the contract is past it: it would revert.
    const outgrown = current.size <= head.size;
    const stuck = outgrown || this.#isStuck(current);
    if (await this.#parts.chain.knows(current.transactionHash))
      return stuck ? this.#outbid(current) : { kind: 'waiting', for: 'inclusion' };
    // Never sent (a crash), evicted, or reorganised away: the very same bytes cost nothing to send again.
    const payable = !outgrown && isPayable(current.fee, this.#look.market);
    const resent = payable && !stuck ? await this.#resend(current) : undefined;
    if (resent !== undefined) return resent;
    const outbid = await this.#outbid(current);
    const fresh = this.#limit.choose();
    if (outbid.kind !== 'waiting' || fresh.kind !== 'ok') return outbid;
    // No pool that we see holds it, so what comes in its place need not be dearer.
    return payable ? ((await this.#resend(current)) ?? outbid) : this.#submit(fresh.offer, current);
  }

  /** `undefined` when the node finds the fee too low. */
  async #resend(record: AnchorRecord): Promise<SubmitOutcome | undefined> {
    if (record.rawTransaction === undefined) return undefined;
    const result = await this.#parts.chain.send(record.rawTransaction);
    if (result.kind === 'accepted') return { kind: 'resent', record };
    if (result.reason === 'underpriced') return undefined;
    if (result.reason === 'nonce-used') return { kind: 'waiting', for: 'inclusion' };
    throw refused(result.detail);
  }

  /** Replaces a transaction by one that every node prefers to it. */
  async #outbid(current: AnchorRecord): Promise<SubmitOutcome> {
    const choice = this.#limit.choose(current.fee);
    if (choice.kind === 'ok') return this.#submit(choice.offer, current);
    const isMarketDear = this.#limit.choose().kind === 'too-expensive';
    return this.#waitForPrice(choice.needed, isMarketDear ? 'fee' : 'stuck-at-ceiling');
  }

  #waitForPrice(needed: bigint, otherwise: 'fee' | 'stuck-at-ceiling'): PriceWait {
    const until = this.#limit.waitsUntil;
    if (until === undefined) return { kind: 'waiting', for: otherwise, needed };
    return { kind: 'waiting', for: 'cheaper-gas', needed, until };
  }

  /** Signs, remembers, sends. In this order: a crash at any point leaves a record that `pursue` can go on from. */
  async #submit(offer: GasOffer, replaces?: AnchorRecord): Promise<SubmitOutcome> {
    const { chain, store, clock } = this.#parts;
    const gasLimit = await chain.estimateGas(this.#call);
    this.#assertFunds(gasLimit * offer.maxFeePerGas + this.#look.dataFee);
    const { nonce } = this.#look.account;
    const signed = await chain.sign(this.#call, nonce, gasLimit, offer);
    const record: AnchorRecord = {
      size: this.#call.size,
      root: this.#call.root,
      target: chain.target,
      transactionHash: signed.hash,
      sender: chain.sender,
      nonce,
      fee: feeOf(offer),
      rawTransaction: signed.raw,
      submittedAt: clock.now(),
      submittedBlock: this.#look.view.newest.number,
      state: 'submitted',
    };
    await store.save(record);
    const result = await chain.send(signed.raw);
    if (result.kind === 'refused' && result.reason === 'other') throw refused(result.detail);
    return { kind: 'sent', record, ...(replaces === undefined ? {} : { replaces }) };
  }

  /** Pending for long, although a whole block had the chance to take it. On a chain that stands still a higher fee changes nothing. */
  #isStuck(record: AnchorRecord): boolean {
    const { number } = this.#look.view.newest;
    const moved = number < record.submittedBlock || number >= record.submittedBlock + 2n;
    return moved && isDue(record.submittedAt, this.#options.stuckAfterMs, this.#parts.clock.now());
  }

  /** Where gas is free an empty account will do. */
  #assertFunds(needed: bigint): void {
    const { balance } = this.#look.account;
    if (balance >= needed) return;
    throw new GatewayError(
      'anchor-failed',
      `the gateway's account holds ${balance} wei, the next anchor may cost ${needed}: fund the account`,
      { details: { balance: String(balance), needed: String(needed) } },
    );
  }
}

function feeOf({ maxFeePerGas, maxPriorityFeePerGas }: GasOffer): GasFee {
  return { maxFeePerGas, maxPriorityFeePerGas };
}

function refused(detail: string): GatewayError {
  return new GatewayError('anchor-failed', `the node refused the anchor transaction: ${detail}`);
}
