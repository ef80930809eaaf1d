/**
 * Brings the newest checkpoint on its way. One transaction at a time: what stands in the way of a pending one
 * (a lost node, a low fee) is met by sending it again or by replacing it under the same nonce, never by a second
 * one behind it.
 */
import { equalBytes } from '../../src/bytes.ts';
import { verifyConsistency } from '../../src/merkle/verify.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord, AnchorStore, Checkpoint, Clock, LogReader } from '../ports.ts';
import type { Account, AnchorCall, Chain, ContractHead } from './chain.ts';
import { isDue } from './due.ts';
import { chooseFee, isPayable } from './fees.ts';
import { type ChainView, sameTarget } from './reconcile.ts';

export interface SubmitParts {
  readonly chain: Chain;
  readonly store: AnchorStore;
  readonly log: Pick<LogReader, 'newestCheckpoint' | 'consistencyProof'>;
  readonly clock: Clock;
}

export interface SubmitOptions {
  /** Most wei for each unit of gas, tip included. */
  readonly feeCeiling: bigint;
  /** How long a transaction may be pending, while blocks go by, before it is replaced. */
  readonly stuckAfterMs: number;
}

export type SubmitOutcome =
  /** The contract holds the newest checkpoint. */
  | { readonly kind: 'done' }
  | { readonly kind: 'sent'; readonly record: AnchorRecord; readonly replaces?: AnchorRecord }
  | { readonly kind: 'resent'; readonly record: AnchorRecord }
  | { readonly kind: 'waiting'; readonly for: 'inclusion' }
  /** Gas costs more than the ceiling allows. */
  | { readonly kind: 'waiting'; readonly for: 'fee'; readonly needed: bigint }
  /** The last attempt reverted: one attempt for each checkpoint, or a fault of ours would burn money in a loop. */
  | { readonly kind: 'waiting'; readonly for: 'next-checkpoint' };

/** One step; what comes of it is seen at the next look at the chain. */
export async function submitNewest(
  parts: SubmitParts,
  options: SubmitOptions,
  view: ChainView,
  account: Account,
): Promise<SubmitOutcome> {
  const newest = await parts.log.newestCheckpoint();
  // After the nonce: should a transaction of ours be mined between the two calls, then the head shows it.
  const head = await parts.chain.head();
  const call = await continueFrom(head, newest, parts.log);
  if (call === undefined) return { kind: 'done' };
  const [last] = await parts.store.list(1);
  if (last?.setback === 'reverted' && last.size === call.size)
    return { kind: 'waiting', for: 'next-checkpoint' };
  const attempt = new Attempt(parts, options, view, account, call);
  const current = await attempt.current();
  return current === undefined ? attempt.send() : attempt.pursue(current, head);
}

/** The call that takes the contract from its head to our newest checkpoint; `undefined` when it is there. */
async function continueFrom(
  head: ContractHead,
  newest: Checkpoint | undefined,
  log: SubmitParts['log'],
): Promise<AnchorCall | undefined> {
  const size = newest?.size ?? 0;
  if (head.size > size) throw forked(head, `its newest checkpoint has only ${size}`);
  if (newest === undefined) return undefined;
  const consistencyProof = await log.consistencyProof(head.size, size);
  const consistent =
    head.size === 0 ||
    verifyConsistency({
      fromSize: head.size,
      fromRoot: head.root,
      toSize: size,
      toRoot: newest.root,
      proof: consistencyProof,
    });
  if (!consistent) throw forked(head, 'its root at that size is another');
  return head.size === size ? undefined : { size, root: newest.root, consistencyProof };
}

function forked(head: ContractHead, how: string): GatewayError {
  return new GatewayError(
    'log-forked',
    `the contract holds ${head.size} entries of a log that this gateway does not have: ${how}. Either another gateway ` +
      'writes the same log, or this data directory is an old copy: stop the other, or restore the newest data',
    { fatal: true, details: { anchoredSize: head.size } },
  );
}

class Attempt {
  readonly #parts: SubmitParts;
  readonly #options: SubmitOptions;
  readonly #view: ChainView;
  readonly #account: Account;
  readonly #call: AnchorCall;

  constructor(
    parts: SubmitParts,
    options: SubmitOptions,
    view: ChainView,
    account: Account,
    call: AnchorCall,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#view = view;
    this.#account = account;
    this.#call = call;
  }

  /** The youngest of our attempts that can take the account's next nonce. */
  async current(): Promise<AnchorRecord | undefined> {
    const { chain, store } = this.#parts;
    const open = await store.open();
    return open.findLast(
      (record) =>
        record.state === 'submitted' &&
        record.nonce === this.#account.nonce &&
        equalBytes(record.sender, chain.sender) &&
        sameTarget(record.target, chain.target),
    );
  }

  async pursue(current: AnchorRecord, head: ContractHead): Promise<SubmitOutcome> {
    // It would revert: the contract is past it already.
    if (current.size <= head.size) return this.send(current);
    const stuck = this.#isStuck(current);
    if (await this.#parts.chain.knows(current.transactionHash)) {
      return stuck ? this.send(current) : { kind: 'waiting', for: 'inclusion' };
    }
    // Never sent (a crash), evicted, or reorganised away: the very same bytes cost nothing to send again.
    const raw = current.rawTransaction;
    if (raw === undefined || stuck || !isPayable(current.fee, this.#view.newest.baseFee))
      return this.send(current);
    const result = await this.#parts.chain.send(raw);
    if (result.kind === 'accepted') return { kind: 'resent', record: current };
    if (result.reason === 'underpriced') return this.send(current);
    if (result.reason === 'nonce-used') return { kind: 'waiting', for: 'inclusion' };
    throw refused(result.detail);
  }

  /** Signs, remembers, sends. In this order: a crash at any point leaves a record that `pursue` can go on from. */
  async send(replaces?: AnchorRecord): Promise<SubmitOutcome> {
    const { chain, store, clock } = this.#parts;
    const market = { baseFee: this.#view.newest.baseFee, suggestedTip: await chain.suggestedTip() };
    const choice = chooseFee(market, this.#options.feeCeiling, replaces?.fee);
    if (choice.kind === 'too-expensive') return { kind: 'waiting', for: 'fee', needed: choice.needed };
    const gasLimit = await chain.estimateGas(this.#call);
    this.#assertFunds(gasLimit * choice.fee.maxFeePerGas);
    const { nonce } = this.#account;
    const signed = await chain.sign(this.#call, nonce, gasLimit, choice.fee);
    const record: AnchorRecord = {
      size: this.#call.size,
      root: this.#call.root,
      target: chain.target,
      transactionHash: signed.hash,
      sender: chain.sender,
      nonce,
      fee: choice.fee,
      rawTransaction: signed.raw,
      submittedAt: clock.now(),
      submittedBlock: this.#view.newest.number,
      state: 'submitted',
    };
    await store.save(record);
    const result = await chain.send(signed.raw);
    if (result.kind === 'refused' && result.reason === 'other') throw refused(result.detail);
    return { kind: 'sent', record, ...(replaces === undefined ? {} : { replaces }) };
  }

  /** Pending for long, although a whole block had the chance to take it. On a chain that stands still a higher fee changes nothing. */
  #isStuck(record: AnchorRecord): boolean {
    const { number } = this.#view.newest;
    const moved = number < record.submittedBlock || number >= record.submittedBlock + 2n;
    return moved && isDue(record.submittedAt, this.#options.stuckAfterMs, this.#parts.clock.now());
  }

  #assertFunds(needed: bigint): void {
    if (this.#account.balance >= needed) return;
    throw new GatewayError(
      'anchor-failed',
      `the gateway's account holds ${this.#account.balance} wei, the next anchor may cost ${needed}: fund the account`,
      { details: { balance: String(this.#account.balance), needed: String(needed) } },
    );
  }
}

function refused(detail: string): GatewayError {
  return new GatewayError('anchor-failed', `the node refused the anchor transaction: ${detail}`);
}
