/** Since when the statement can have existed. */
import { equalBytes } from '../../bytes.ts';
import type { Beacon } from '../../statement.ts';
import { type Answer, answer } from '../answer.ts';
import type { BlockFact, ChainFacts } from '../trust.ts';

/**
 * Answers `not-before`. A block's hash cannot be known before the block is made, so a hash found on a chain the verifier
 * trusts is proof, final or not, and of whichever chain it is. A hash alone, without the block's time, is proof of the order only.
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
  const dated: readonly BlockFact[] = [...(chain.blocks ?? []), ...chain.anchors];
  const heard = [...dated, ...(chain.trustedBlocks ?? [])].filter(
    (block) => block.blockNumber === blockNumber,
  );
  const known = heard.find((block) => equalBytes(block.blockHash, blockHash));
  if (known === undefined) {
    return heard.length > 0
      ? answer('not-before', 'beacon-not-on-chain', `block ${blockNumber} has another hash`)
      : answer('not-before', 'beacon-unchecked', `block ${blockNumber} was not looked up`);
  }
  const { chainId } = known;
  const others = heard.filter(
    (block) => block.chainId === chainId && !equalBytes(block.blockHash, blockHash),
  );
  if (others.length > 0) {
    const detail = `what is known of block ${blockNumber} of chain ${chainId} does not agree`;
    return answer('not-before', 'beacon-disputed', detail);
  }
  const detail = `made after block ${blockNumber} of chain ${chainId}`;
  const moments = dated.filter((block) => block.chainId === chainId && block.blockNumber === blockNumber);
  if (moments.length === 0) {
    const told = `${detail}, by its hash alone; when that block was made is not known here`;
    return answer('not-before', 'beacon-block-told', told);
  }
  const time = Math.min(...moments.map(({ blockTime }) => blockTime));
  return answer('not-before', 'beacon-on-chain', detail, { time, chainId, blockNumber, by: 'beacon' });
}
