/** Since when the statement can have existed. */
import { equalBytes } from '../../bytes.ts';
import type { Beacon } from '../../statement.ts';
import { type Answer, answer } from '../answer.ts';
import type { BlockFact, ChainFacts } from '../trust.ts';

/**
 * Answers `not-before`. A block's hash cannot be known before the block is made, so a hash found on a chain the verifier
 * trusts is proof, final or not, and of whichever chain it is.
 *
 * A hash that is not the chain's proves nothing, but does not speak against the statement either: an honest device may have
 * heard a block that was reorganised away later, or a gateway that lied.
 */
export function judgeBeacon(beacon: Beacon | undefined, chain: ChainFacts): Answer<'not-before'> {
  if (beacon === undefined) {
    return answer('not-before', 'no-beacon', 'the statement carries no beacon');
  }
  const { blockNumber, blockHash } = beacon;
  // An anchor's block is a block as good as any.
  const blocks: readonly BlockFact[] = [...(chain.blocks ?? []), ...chain.anchors];
  const sameNumber = blocks.filter((block) => block.blockNumber === blockNumber);
  const found = sameNumber.find((block) => equalBytes(block.blockHash, blockHash));
  if (found !== undefined) {
    const { blockTime: time, chainId } = found;
    const detail = `made after block ${blockNumber} of chain ${chainId}`;
    return answer('not-before', 'beacon-on-chain', detail, { time, chainId, blockNumber, by: 'beacon' });
  }
  return sameNumber.length > 0
    ? answer('not-before', 'beacon-not-on-chain', `block ${blockNumber} has another hash`)
    : answer('not-before', 'beacon-unchecked', `block ${blockNumber} was not looked up`);
}
