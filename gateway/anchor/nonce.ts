/** Whether the nonce that a node gives can be true. */
import { equalBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorStore } from '../ports.ts';
import type { Account, Chain } from './chain.ts';
import { type ChainView, sameTarget } from './reconcile.ts';

/**
 * Call after `reconcile`, which has just seen on the chain what the store calls anchored. A nonce that one of these
 * anchors has used is an old answer, as those that share one address among several nodes give: to sign for it is to
 * sign for nothing, again at every look.
 *
 * A node whose newest block is older than that anchor contradicts nothing: it lags, or the chain was set back.
 * @throws GatewayError `chain-unreachable`.
 */
export async function assertFreshNonce(
  chain: Pick<Chain, 'sender' | 'target'>,
  store: Pick<AnchorStore, 'newest'>,
  view: ChainView,
  account: Account,
): Promise<void> {
  const record = (await store.newest('anchored')) ?? (await store.newest('final'));
  if (record?.anchor === undefined || record.nonce < account.nonce) return;
  if (!equalBytes(record.sender, chain.sender) || !sameTarget(record.target, chain.target)) return;
  if (view.newest.number < record.anchor.blockNumber) return;
  throw new GatewayError(
    'chain-unreachable',
    `the node gives ${account.nonce} as the next nonce of the account, but ${record.nonce} is used in block ` +
      `${record.anchor.blockNumber}: it is behind itself; anchoring goes on when it has caught up, readings are taken meanwhile`,
  );
}
