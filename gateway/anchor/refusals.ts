/** What a node's refusal of a transaction means. */
import type { SendResult } from './chain.ts';

/**
 * Nodes agree on no codes for these, only more or less on the words (geth, Nethermind, Besu, Erigon, anvil).
 * A wrong guess costs a look, not an anchor: what is not known is tried again.
 */
export function readRefusal(detail: string): SendResult {
  if (/already (known|imported)|known transaction|AlreadyKnown|tx with same hash/i.test(detail))
    return { kind: 'accepted' };
  if (/nonce.*(too low|already)|OldNonce|lower than the (current|account) nonce/i.test(detail)) {
    return { kind: 'refused', reason: 'nonce-used', detail };
  }
  if (
    /underpriced|not ?replace|ReplacementNotAllowed|fee.*too low|FeeTooLow|base fee|gas price below/i.test(
      detail,
    )
  ) {
    return { kind: 'refused', reason: 'underpriced', detail };
  }
  return { kind: 'refused', reason: 'other', detail };
}
