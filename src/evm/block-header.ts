/** The header of an EVM block, as the RLP bytes that the block's hash is of (yellow paper, section 4.4). */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { decodeRlp, integerFromRlp } from './rlp.ts';

/** What is read of a header. The hash makes all of it true of the block with that hash, and of no other. */
export interface BlockHeader {
  /** Keccak-256 of the header's bytes: the block hash. */
  readonly hash: Uint8Array;
  /** Root of the trie of the block's receipts, 32 bytes. */
  readonly receiptsRoot: Uint8Array;
  readonly number: bigint;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

/** Places of the fields. They have never changed; forks have only added fields behind them. */
const RECEIPTS_ROOT = 5;
const NUMBER = 8;
const TIME = 11;
/** Up to and including the nonce, as in the first block of all. */
const FIELDS_AT_LEAST = 15;

/** Reads a header of any fork; `undefined` for bytes that are none. */
export function readBlockHeader(bytes: Uint8Array): BlockHeader | undefined {
  const fields = decodeRlp(bytes);
  if (fields === undefined || fields instanceof Uint8Array || fields.length < FIELDS_AT_LEAST)
    return undefined;
  const receiptsRoot = fields[RECEIPTS_ROOT];
  const number = integerFromRlp(fields[NUMBER]);
  const time = integerFromRlp(fields[TIME]);
  if (!(receiptsRoot instanceof Uint8Array) || receiptsRoot.length !== 32) return undefined;
  if (number === undefined || time === undefined || time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    hash: keccak_256(bytes),
    receiptsRoot: Uint8Array.from(receiptsRoot),
    number,
    time: Number(time),
  };
}
