/** A block made up around an anchor's event, for tests and vectors: everything real but that no chain has it. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, utf8ToBytes } from '../../bytes.ts';
import { encodeRlp, type RlpItem, rlpInteger } from '../../evm/rlp.ts';
import { type EventLog, encodeTransactionReceipt } from '../../evm/transaction-receipt.ts';
import { buildListTrie } from '../../evm/trie.ts';
import type { Anchor } from '../anchor.ts';
import type { TrustedBlock } from '../trust.ts';

export interface BlockOptions {
  /** What the anchor's transaction recorded; by default its event alone. */
  readonly logs?: readonly EventLog[];
  readonly succeeded?: boolean;
  /** Its type (EIP-2718), its place, and how many transactions the block has; by default 2, 7 and 20. */
  readonly type?: number;
  readonly index?: number;
  readonly transactions?: number;
  /** Fields of the header by their place, in the stead of those it would have. */
  readonly fields?: Readonly<Record<number, RlpItem>>;
}

const ANCHORED = keccak_256(utf8ToBytes('Anchored(bytes32,uint64,bytes32)'));
const BLOOM = new Uint8Array(256);

/** The event that an anchor's contract records. */
export function eventOf({ contract, logId, size, root }: Anchor): EventLog {
  const word = rlpInteger(size);
  const data = concatBytes(new Uint8Array(32 - word.length), word, root);
  return { address: contract, topics: [ANCHORED, logId], data };
}

/** The anchor in a block of its number and time: with that block's hash, and the proof of its event. */
export function inBlock(anchor: Anchor, options: BlockOptions = {}): Anchor {
  const { logs = [eventOf(anchor)], succeeded = true, fields = {} } = options;
  const { type = 2, index = 7, transactions = 20 } = options;
  const trie = buildListTrie(
    Array.from({ length: transactions }, (_, at) =>
      encodeTransactionReceipt({
        ...{ cumulativeGasUsed: 21_000n * BigInt(at + 1), bloom: BLOOM },
        ...(at === index ? { type, succeeded, logs } : { type: at % 3, succeeded: true, logs: [] }),
      }),
    ),
  );
  const [hash, address] = [new Uint8Array(32), new Uint8Array(20)];
  const header: RlpItem[] = [
    ...[hash, hash, address, hash, hash, trie.root, BLOOM],
    ...[rlpInteger(0), rlpInteger(anchor.blockNumber), rlpInteger(30_000_000), rlpInteger(420_000)],
    ...[rlpInteger(anchor.blockTime), new Uint8Array(0), hash, new Uint8Array(8), rlpInteger(7)],
  ];
  const bytes = encodeRlp(header.map((field, place) => fields[place] ?? field));
  return {
    ...anchor,
    blockHash: keccak_256(bytes),
    eventProof: { header: bytes, transactionIndex: index, nodes: trie.prove(index) },
  };
}

/** The anchor's block, as somebody knows it whom the verifier trusts. */
export function trusting({ chainId, blockNumber, blockHash }: Anchor, final = true): TrustedBlock {
  return { chainId, blockNumber, blockHash, final, source: 'verifier' };
}
