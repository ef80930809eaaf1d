/** The block hash that a verifier brings along in place of an RPC endpoint. */
import { hexToBytes } from '../src/bytes.ts';
import type { Trust, TrustedBlock } from '../src/receipt/trust.ts';
import { UsageError } from './cli.ts';

const FORM = /^(?:(?<chain>\d{1,19}):)?(?<number>\d{1,19}):0x(?<hash>[0-9a-f]{64})$/i;

/**
 * Reads `NUMBER:0xHASH`, or `CHAIN:NUMBER:0xHASH`. Which chain a hash is of cannot be seen from it, and whoever made the receipt must not say so: without
 * the chain's id it is the one chain that the trust file names. The caller's word that the block is final is in giving it.
 * @throws UsageError that says what is missing.
 */
export function readTrustedBlock(text: string, trust: Trust): TrustedBlock {
  const { chain, number, hash } = FORM.exec(text)?.groups ?? {};
  if (number === undefined || hash === undefined)
    throw new UsageError(`--block-hash: must be NUMBER:0x and 64 hex digits, not ${JSON.stringify(text)}`);
  return {
    chainId: chain === undefined ? onlyChainOf(trust) : BigInt(chain),
    blockNumber: BigInt(number),
    blockHash: hexToBytes(hash.toLowerCase()),
    final: true,
    source: 'verifier',
  };
}

function onlyChainOf({ logs }: Trust): bigint {
  const chains = new Set(logs.flatMap(({ contract }) => contract?.chainId ?? []));
  const [only] = chains;
  if (only === undefined || chains.size > 1)
    throw new UsageError(
      `--block-hash: the trust file names ${only === undefined ? 'no chain' : `the chains ${[...chains].join(', ')}`}; say which the hash is of: CHAIN:NUMBER:0x...`,
    );
  return only;
}
