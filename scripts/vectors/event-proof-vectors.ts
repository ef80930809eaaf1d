/** Anchors with the proof of their event, good ones and such that must be refused (docs/protocol.md, "Anchors"). */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes } from '../../src/bytes.ts';
import { type CborMap, type CborValue, encodeCbor } from '../../src/cbor.ts';
import { decodeRlp, encodeRlp, type RlpItem } from '../../src/evm/rlp.ts';
import { type Anchor, encodeAnchor } from '../../src/receipt/anchor.ts';
import type { EventProof } from '../../src/receipt/event-proof.ts';
import { type BlockOptions, eventOf, inBlock } from '../../src/receipt/testing/event-block.ts';

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

/** What every vector anchors, unless its name says otherwise. */
const BASE: Anchor = {
  chainId: 11_155_111n,
  contract: bytes(20, 0xc0),
  logId: bytes(32, 0x10),
  size: 1_000_003,
  root: bytes(32, 0x77),
  transactionHash: bytes(32, 0x99),
  blockNumber: 23_500_000n,
  blockHash: bytes(32, 0),
  blockTime: 1_760_000_000,
};
const GOOD = inBlock(BASE);
const PROOF = GOOD.eventProof as EventProof;
const EVENT = eventOf(BASE);
const [ANCHORED] = EVENT.topics as [Uint8Array];

export interface EventProofVector {
  readonly name: string;
  readonly description: string;
  /** The anchor as a receipt holds it, deterministic CBOR in hex. */
  readonly anchor: string;
  /** `proves`, `malformed`, or why it does not prove. */
  readonly verdict: string;
}

export interface EventProofVectorFile {
  readonly proofs: readonly EventProofVector[];
}

type Row = readonly [name: string, description: string, verdict: string, anchor: Anchor | CborValue];

const block = (name: string, description: string, options: BlockOptions, verdict = 'proves'): Row => [
  ...([name, description, verdict] as const),
  inBlock(BASE, options),
];
const proof = (name: string, description: string, verdict: string, change: Partial<EventProof>): Row => [
  ...([name, description, verdict] as const),
  { ...GOOD, eventProof: { ...PROOF, ...change } },
];
const anchor = (name: string, description: string, verdict: string, change: Partial<Anchor>): Row => [
  ...([name, description, verdict] as const),
  { ...GOOD, ...change },
];

/** The proof with these bytes for a header, and the anchor with their hash: only the bytes themselves are wrong. */
const header = (name: string, description: string, changed: Uint8Array): Row =>
  anchor(name, description, 'header-unreadable', {
    blockHash: keccak_256(changed),
    eventProof: { ...PROOF, header: changed },
  });

/** An anchor whose field 10 is this. */
const form = (name: string, description: string, value: CborValue): Row => {
  const map = new Map(encodeAnchor(BASE) as CborMap);
  return [name, description, 'malformed', map.set(10, value)];
};

const FIELDS = decodeRlp(PROOF.header) as readonly RlpItem[];
const nodes = (change: (list: readonly Uint8Array[]) => readonly Uint8Array[]) => ({
  nodes: change(PROOF.nodes),
});

const ROWS: readonly Row[] = [
  block('typed', 'an EIP-1559 transaction among twenty', {}),
  block('legacy', 'a legacy transaction, whose receipt has no type', { type: 0 }),
  block('type-1', 'an EIP-2930 transaction', { type: 1 }),
  block('type-100', 'a type that some chain has', { type: 100 }),
  block('alone', 'the only transaction of its block: the root is the leaf', { transactions: 1, index: 0 }),
  block('first-of-many', 'index 0, whose key is 80', { transactions: 200, index: 0 }),
  block('index-127', 'the last key of one byte', { transactions: 200, index: 127 }),
  block('index-128', 'the first key of two bytes', { transactions: 200, index: 128 }),
  block('index-299', 'a key of three bytes', { transactions: 300, index: 299 }),
  block('among-others', 'an event of another contract before it, of an earlier size behind it', {
    logs: [{ ...EVENT, address: bytes(20, 1) }, EVENT, eventOf({ ...BASE, size: 5 })],
  }),
  block('later-fork', 'a header with fields that no fork has yet', { fields: { 15: bytes(32, 5) } }),
  ['none', 'an anchor without a proof, which proves nothing and is as good as ever', 'none', BASE],

  block('no-event', 'the transaction recorded nothing', { logs: [] }, 'event-missing'),
  block(
    'another-event',
    'another event of the contract',
    { logs: [{ ...EVENT, topics: [bytes(32, 3), BASE.logId] }] },
    'event-missing',
  ),
  block(
    'another-contract',
    'the event of another contract',
    { logs: [{ ...EVENT, address: bytes(20, 1) }] },
    'event-of-another-contract',
  ),
  block(
    'another-log',
    'the event of another log',
    { logs: [{ ...EVENT, topics: [ANCHORED, bytes(32, 1)] }] },
    'event-of-another-log',
  ),
  block(
    'another-size',
    'the event of another size',
    { logs: [eventOf({ ...BASE, size: 1_000_002 })] },
    'event-of-another-size',
  ),
  block(
    'another-root',
    'the event of another root',
    { logs: [eventOf({ ...BASE, root: bytes(32, 1) })] },
    'event-of-another-root',
  ),
  block('failed', 'a transaction that failed', { succeeded: false }, 'transaction-failed'),
  block(
    'root-of-another-block',
    'a header that names another receipts root',
    { fields: { 5: bytes(32, 1) } },
    'event-proof-broken',
  ),
  block(
    'another-number',
    'a header of another number',
    { fields: { 8: Uint8Array.of(1) } },
    'header-of-another-block',
  ),
  block(
    'another-time',
    'a header of another time',
    { fields: { 11: Uint8Array.of(1) } },
    'header-of-another-block',
  ),

  anchor('another-hash', 'the header does not hash to the block', 'header-of-another-block', {
    blockHash: bytes(32, 1),
  }),
  proof('another-index', 'the index of the transaction before', 'event-proof-broken', {
    transactionIndex: 6,
  }),
  proof('no-such-index', 'an index beyond the block', 'event-proof-broken', { transactionIndex: 20 }),
  proof('largest-index', 'the largest index there can be', 'event-proof-broken', {
    transactionIndex: 2 ** 32 - 1,
  }),
  proof(
    'node-missing',
    'without the root of the trie',
    'event-proof-broken',
    nodes((list) => list.slice(1)),
  ),
  proof(
    'leaf-missing',
    'without the leaf',
    'event-proof-broken',
    nodes((list) => list.slice(0, -1)),
  ),
  proof(
    'node-twice',
    'the leaf twice',
    'event-proof-broken',
    nodes((list) => [...list, ...list.slice(-1)]),
  ),
  proof(
    'nodes-reversed',
    'leaf first',
    'event-proof-broken',
    nodes((list) => list.toReversed()),
  ),
  proof(
    'node-flipped',
    'one bit of the leaf',
    'event-proof-broken',
    nodes((list) => list.map((node, at) => (at === list.length - 1 ? flipped(node) : node))),
  ),

  header('header-empty-list', 'a header without fields', encodeRlp([])),
  header('header-string', 'a header that is a string', encodeRlp(PROOF.header)),
  header('header-cut', 'a header of fourteen fields', encodeRlp(FIELDS.slice(0, 14))),
  header('header-trailing', 'a byte behind the header', concatBytes(PROOF.header, bytes(1, 0))),
  header(
    'header-long-length',
    'a length with a leading zero',
    concatBytes(Uint8Array.of(0xfa, 0), PROOF.header.subarray(1)),
  ),
  header(
    'header-number-zero',
    'a number with a leading zero',
    encodeRlp(FIELDS.with(8, Uint8Array.of(0, 1))),
  ),
  header('header-root-short', 'a receipts root of 31 bytes', encodeRlp(FIELDS.with(5, bytes(31, 1)))),

  form('form-map', 'no array', new Map()),
  form('form-two', 'no nodes', [PROOF.header, 7]),
  form('form-no-nodes', 'an empty list of nodes', [PROOF.header, 7, []]),
  form('form-empty-node', 'a node without bytes', [PROOF.header, 7, [bytes(0, 0)]]),
  form('form-header-empty', 'a header without bytes', [bytes(0, 0), 7, [...PROOF.nodes]]),
  form('form-header-long', 'a header of 8193 bytes', [bytes(8193, 1), 7, [...PROOF.nodes]]),
  form('form-index-large', 'an index of 2^32', [PROOF.header, 2 ** 32, [...PROOF.nodes]]),
  form('form-nodes-many', 'seventeen nodes', [
    PROOF.header,
    7,
    Array.from({ length: 17 }, () => bytes(1, 1)),
  ]),
];

function flipped(node: Uint8Array): Uint8Array {
  return node.with(node.length - 1, (node.at(-1) as number) ^ 1);
}

export function makeEventProofVectors(): EventProofVectorFile {
  return {
    proofs: ROWS.map(([name, description, verdict, value]) => {
      const item =
        value !== null && typeof value === 'object' && 'chainId' in value ? encodeAnchor(value) : value;
      return { name, description, anchor: bytesToHex(encodeCbor(item)), verdict };
    }),
  };
}
