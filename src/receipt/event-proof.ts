/**
 * The proof of an anchor's event: the header of the block, and the path in the trie of its receipts that leads to what the transaction
 * recorded. With it a verifier needs nothing of a chain but the hash of that block, from whatever source it trusts.
 *
 * The transaction's own hash does not stand in that trie, so it is not proven; neither does the chain's id.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, equalBytes, utf8ToBytes } from '../bytes.ts';
import type { CborValue } from '../cbor.ts';
import { readBlockHeader } from '../evm/block-header.ts';
import { rlpInteger } from '../evm/rlp.ts';
import { type EventLog, readTransactionReceipt } from '../evm/transaction-receipt.ts';
import { listKey, valueFromTrieProof } from '../evm/trie-proof.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import type { Anchor } from './anchor.ts';

export interface EventProof {
  /** The RLP bytes whose Keccak-256 is the block hash; 1 to 8192 bytes. */
  readonly header: Uint8Array;
  /** Of the transaction in its block, below 2^32. */
  readonly transactionIndex: number;
  /** Encoded nodes of the trie of receipts, root first, leaf last: 1 to 16, at most 64 KiB together. */
  readonly nodes: readonly Uint8Array[];
}

/** Why a proof does not prove its anchor, as answers to `anchored` say it. */
export type EventProofFault =
  | 'header-unreadable'
  | 'header-of-another-block'
  | 'event-proof-broken'
  | 'transaction-failed'
  | 'event-missing'
  | 'event-of-another-contract'
  | 'event-of-another-log'
  | 'event-of-another-size'
  | 'event-of-another-root';

/** Headers have some 600 bytes; those of chains whose blocks name their validators a few thousand. */
const HEADER_MAX_BYTES = 8192;
/** The key of a transaction has at most ten nibbles, so no path is longer. */
const NODES_MAX = 16;
/** A leaf holds the receipt of one transaction with all its events: ours has one. */
const NODES_MAX_BYTES = 65_536;
const INDEX_LIMIT = 2 ** 32;

/** `Anchored(bytes32 indexed logId, uint64 size, bytes32 root)` of IReadingLog. */
const ANCHORED = keccak_256(utf8ToBytes('Anchored(bytes32,uint64,bytes32)'));
const WORD_BYTES = 32;

/** `[header, transaction index, nodes]`. Throws RangeError for a proof that `eventProofFromCbor` would not read. */
export function eventProofToCbor({ header, transactionIndex, nodes }: EventProof): CborValue {
  const value: CborValue = [header, transactionIndex, [...nodes]];
  const checked = eventProofFromCbor(value);
  if (checked.kind === 'reject') throw new RangeError(checked.detail);
  return value;
}

/** Reads the form and its limits; what the proof is worth is for `findEventProofFault` to say. */
export function eventProofFromCbor(value: CborValue | undefined): Parsed<EventProof> {
  // attacker-controlled
  if (!Array.isArray(value) || value.length !== 3) {
    return reject('malformed', 'event proof: not [header, transaction index, nodes]');
  }
  const [header, transactionIndex, nodes] = value as readonly CborValue[];
  if (!isBytes(header) || header.length > HEADER_MAX_BYTES) {
    return reject('malformed', `event proof: the header is not 1 to ${HEADER_MAX_BYTES} bytes`);
  }
  const isIndex = typeof transactionIndex === 'number' && Number.isSafeInteger(transactionIndex);
  if (!isIndex || transactionIndex < 0 || transactionIndex >= INDEX_LIMIT) {
    return reject('malformed', 'event proof: the transaction index is not below 2^32');
  }
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > NODES_MAX || !nodes.every(isBytes)) {
    return reject('malformed', `event proof: the nodes are not 1 to ${NODES_MAX} byte strings`);
  }
  if (nodes.reduce((sum, node) => sum + node.length, 0) > NODES_MAX_BYTES) {
    return reject('malformed', `event proof: the nodes have over ${NODES_MAX_BYTES} bytes`);
  }
  return ok({ header, transactionIndex, nodes });
}

/**
 * What is wrong with a proof, or `undefined` when it proves: in the block whose hash the anchor names, and which has its number and time, a
 * transaction that did not fail made the anchor's contract record (log id, size, root). Whether that block is one of the chain is not asked here.
 */
export function findEventProofFault(
  anchor: Anchor,
  proof: EventProof,
): { readonly code: EventProofFault; readonly detail: string } | undefined {
  const header = readBlockHeader(proof.header);
  if (header === undefined) return fault('header-unreadable', 'the header in the proof is no block header');
  if (!equalBytes(header.hash, anchor.blockHash)) {
    return fault(
      'header-of-another-block',
      'the header in the proof has another hash than the anchor’s block',
    );
  }
  if (header.number !== anchor.blockNumber || header.time !== anchor.blockTime) {
    const what = header.number === anchor.blockNumber ? 'time' : 'number';
    return fault('header-of-another-block', `the anchor’s block has another ${what} than the anchor says`);
  }
  const place = `transaction ${proof.transactionIndex} of the block`;
  const value = valueFromTrieProof(header.receiptsRoot, listKey(proof.transactionIndex), proof.nodes);
  if (value === undefined) {
    return fault('event-proof-broken', `the nodes in the proof do not lead from the block to its ${place}`);
  }
  const receipt = readTransactionReceipt(value);
  if (receipt === undefined)
    return fault('event-proof-broken', `what ${place} left is no receipt with a status`);
  if (!receipt.succeeded) return fault('transaction-failed', `${place} failed and recorded nothing`);
  return findEventFault(receipt.logs, anchor, place);
}

/** Looks for the event; when it is not there, says what the nearest one differs in. */
function findEventFault(logs: readonly EventLog[], anchor: Anchor, place: string) {
  const size = rlpInteger(anchor.size);
  const data = concatBytes(new Uint8Array(WORD_BYTES - size.length), size, anchor.root);
  const named = logs.filter(
    ({ topics }) => topics.length === 2 && equalBytes(topics[0] as Uint8Array, ANCHORED),
  );
  if (named.length === 0) return fault('event-missing', `${place} recorded no anchor`);
  const here = named.filter(({ address }) => equalBytes(address, anchor.contract));
  if (here.length === 0) {
    return fault(
      'event-of-another-contract',
      `${place} anchored in the contract 0x${bytesToHex(named[0]?.address ?? new Uint8Array(0))}`,
    );
  }
  const ours = here.filter(({ topics }) => equalBytes(topics[1] as Uint8Array, anchor.logId));
  if (ours.length === 0)
    return fault('event-of-another-log', `${place} anchored another log of the contract`);
  const sized = ours.filter((log) =>
    equalBytes(log.data.subarray(0, WORD_BYTES), data.subarray(0, WORD_BYTES)),
  );
  if (sized.length === 0) return fault('event-of-another-size', `${place} anchored another size of the log`);
  return sized.some((log) => equalBytes(log.data, data))
    ? undefined
    : fault('event-of-another-root', `${place} anchored another root at this size`);
}

function fault(code: EventProofFault, detail: string) {
  return { code, detail };
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length > 0;
}
