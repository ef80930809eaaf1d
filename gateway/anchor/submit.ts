/**
 * Brings the newest checkpoint on its way. One transaction at a time: what stands in the way of a pending one
 * (a lost node, a low fee) is met by sending it again or by replacing it under the same nonce, never by a second
 * one behind it.
 */
import { equalBytes } from '../../src/bytes.ts';
import { verifyConsistency } from '../../src/merkle/verify.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord, Checkpoint, LogReader } from '../ports.ts';
import { Attempt, type AttemptOptions, type AttemptParts, type Look, type SubmitOutcome } from './attempt.ts';
import type { AnchorCall, Chain, ContractHead } from './chain.ts';
import { FeeLimit, type FeePolicy, lastAnchoredAt } from './fee-policy.ts';
import { sameTarget } from './reconcile.ts';

export interface SubmitParts extends AttemptParts {
  readonly log: Pick<LogReader, 'newestCheckpoint' | 'consistencyProof'>;
}

export interface SubmitOptions extends FeePolicy, AttemptOptions {}

/**
 * One may be lost to a transaction of somebody else with our key. A node that names a later nonce at each look
 * could have us pay for all of them.
 */
const NONCES_PER_CHECKPOINT = 2;

/** One step; what comes of it is seen at the next look at the chain. */
export async function submitNewest(
  parts: SubmitParts,
  options: SubmitOptions,
  look: Look,
): Promise<SubmitOutcome> {
  const newest = await parts.log.newestCheckpoint();
  // After the nonce: should a transaction of ours be mined between the two calls, then the head shows it.
  const head = await parts.chain.head();
  const call = await continueFrom(head, newest, parts.log);
  if (call === undefined) return { kind: 'done' };
  const [last] = await parts.store.list(1);
  if (last?.size === call.size && last.setback === 'reverted')
    return { kind: 'waiting', for: 'next-checkpoint' };
  const limit = new FeeLimit(look.market, options, await lastAnchoredAt(parts.store), parts.clock.now());
  const attempt = new Attempt(parts, options, look, limit, call);
  const current = await attempt.current();
  if (current !== undefined) return attempt.pursue(current, head);
  if ((await noncesHeld(parts, call.size)) >= NONCES_PER_CHECKPOINT)
    return { kind: 'waiting', for: 'next-checkpoint' };
  return attempt.send();
}

/**
 * How many attempts for a checkpoint of this size may still get into a block although the node names another nonce. An
 * anchor of ours that was seen at the nonce of one or at a later one says that its nonce is gone.
 */
async function noncesHeld({ chain, store }: SubmitParts, size: number): Promise<number> {
  const seen = (await store.newest('anchored')) ?? (await store.newest('final'));
  const gone = seen !== undefined && isOurs(seen, chain) ? seen.nonce : -1;
  const attempts = (await store.open()).filter(
    (record) => record.state === 'submitted' && record.size === size && isOurs(record, chain),
  );
  return new Set(attempts.map(({ nonce }) => nonce).filter((nonce) => nonce > gone)).size;
}

function isOurs({ sender, target }: AnchorRecord, chain: Chain): boolean {
  return equalBytes(sender, chain.sender) && sameTarget(target, chain.target);
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
