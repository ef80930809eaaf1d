/**
 * Block headers of consortium chains. QBFT and IBFT 2.0 put the round and the seals of the validators into `extraData` after they have agreed on
 * the block, so the block's hash is of the header as it was before. Such a header says as much of the block, to whoever reads it, as any other.
 */
import { decodeRlp, encodeRlp, type RlpItem } from '../../src/evm/rlp.ts';

/** Vanity, validators, vote, round, seals: the same in both protocols. */
const ITEMS = 5;
const ROUND = 3;
const NONE: RlpItem = [];
const ZERO: RlpItem = new Uint8Array(0);

/** What `extraData` may have been when the block was hashed: as it stands first, then without round and seals as each protocol leaves them out. */
export function hashedExtraData(extraData: Uint8Array): Uint8Array[] {
  const items = decodeRlp(extraData); // attacker-controlled: whoever uses these compares the hash
  if (items === undefined || items instanceof Uint8Array || items.length !== ITEMS) return [extraData];
  const agreedOn = items.slice(0, ROUND);
  return [extraData, encodeRlp([...agreedOn, ZERO, NONE]), encodeRlp(agreedOn)];
}
