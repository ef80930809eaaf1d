/**
 * Mutated anchors with the proofs of their events: nothing throws, nothing takes long, and what is still taken for proven says what was proven
 * before. RLP by itself: whatever is read is the one encoding of what it reads as.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { bytesToHex, equalBytes, hexToBytes } from '../../src/bytes.ts';
import { CborError, decodeCbor } from '../../src/cbor.ts';
import { readBlockHeader } from '../../src/evm/block-header.ts';
import { decodeRlp, encodeRlp } from '../../src/evm/rlp.ts';
import { readTransactionReceipt } from '../../src/evm/transaction-receipt.ts';
import { type Anchor, decodeAnchor } from '../../src/receipt/anchor.ts';
import { type EventProof, findEventProofFault } from '../../src/receipt/event-proof.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { FuzzFinding, type FuzzOptions, type FuzzTarget } from './target.ts';

const VECTORS = new URL('../../docs/vectors/event-proofs.json', import.meta.url);
/** Far beyond what the largest proof takes; a case over it hangs rather than works. */
const CASE_MAX_MS = 1000;
const LINES = 20;

type Proven = Anchor & { readonly eventProof: EventProof };

/** How often what was tried, and how often it was read or believed. */
export interface EventProofCounts {
  proofs: number;
  wellFormed: number;
  proven: number;
  items: number;
  read: number;
}

export const eventProofFuzz: FuzzTarget = {
  summary: 'RLP and proofs of anchors’ events: only what is proven is believed',
  run: async (options) => ({ ...fuzzEventProofs(options) }),
};

/** The run behind {@link eventProofFuzz}, with its counts. */
export function fuzzEventProofs({ runs, seed, say }: FuzzOptions): EventProofCounts {
  const { proofs } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
    readonly proofs: readonly { readonly anchor: string; readonly verdict: string }[];
  };
  const files = proofs.map(({ anchor }) => hexToBytes(anchor));
  const good = proofs.flatMap(({ anchor, verdict }) =>
    verdict === 'proves' ? readProven(hexToBytes(anchor)) : [],
  );
  const counts: EventProofCounts = { proofs: 0, wellFormed: 0, proven: 0, items: 0, read: 0 };
  for (let i = 0; i < runs; i++) {
    const random = new SeededRandom(seed + i);
    const start = performance.now();
    try {
      if (random.chance(1 / 4)) checkFile(random, files, good, counts);
      else if (random.chance(1 / 2)) checkProof(random, good, counts);
      else checkItem(random, good, counts);
      if (performance.now() - start > CASE_MAX_MS) throw new Error(`a case took over ${CASE_MAX_MS} ms`);
    } catch (error) {
      throw new FuzzFinding('event-proofs', { runs: 1, seed: seed + i }, (error as Error).message);
    }
    if ((i + 1) % Math.ceil(runs / LINES) === 0) say(`${i + 1} of ${runs}`);
  }
  return counts;
}

/** Any byte of an anchor as a receipt holds it. */
function checkFile(
  random: SeededRandom,
  files: readonly Uint8Array[],
  good: readonly Proven[],
  counts: EventProofCounts,
): void {
  const [anchor] = readProven(mutateBytes(random, random.pick(files), random.pick(files)));
  counts.proofs += 1;
  if (anchor !== undefined) judge(anchor, good, counts);
}

/** One part of a well-formed proof, so that the next check is reached. */
function checkProof(random: SeededRandom, good: readonly Proven[], counts: EventProofCounts): void {
  counts.proofs += 1;
  const [anchor, other] = [random.pick(good), random.pick(good)];
  const { eventProof } = anchor;
  const which = random.below(eventProof.nodes.length);
  const part = random.pick([
    { header: mutateBytes(random, eventProof.header, other.eventProof.header) },
    {
      nodes: eventProof.nodes.with(
        which,
        mutateBytes(random, random.pick(eventProof.nodes), random.pick(other.eventProof.nodes)),
      ),
    },
    { nodes: other.eventProof.nodes },
    { transactionIndex: random.below(400) },
  ]);
  judge({ ...anchor, eventProof: { ...eventProof, ...part } }, good, counts);
}

function judge(anchor: Proven, good: readonly Proven[], counts: EventProofCounts): void {
  counts.wellFormed += 1;
  if (findEventProofFault(anchor, anchor.eventProof) !== undefined) return;
  counts.proven += 1;
  if (!good.some((known) => isDeepStrictEqual(claimOf(known), claimOf(anchor))))
    throw new Error(`taken for proven: ${JSON.stringify(claimOf(anchor))}`);
}

/** What a proof proves; the transaction's hash and the chain's id it does not. */
function claimOf({ contract, logId, root, size, blockHash, blockNumber, blockTime }: Anchor) {
  return [...[contract, logId, root, blockHash].map(bytesToHex), size, String(blockNumber), blockTime];
}

/** The readers themselves, on what stands in headers and nodes. */
function checkItem(random: SeededRandom, good: readonly Proven[], counts: EventProofCounts): void {
  counts.items += 1;
  const pick = () => {
    const { header, nodes } = random.pick(good).eventProof;
    return random.pick([header, ...nodes]);
  };
  const bytes = random.chance(1 / 8) ? random.bytes(random.below(200)) : mutateBytes(random, pick(), pick());
  readBlockHeader(bytes);
  readTransactionReceipt(bytes);
  const item = decodeRlp(bytes);
  if (item === undefined) return;
  counts.read += 1;
  if (!equalBytes(encodeRlp(item), bytes)) throw new Error(`two encodings of one item: ${bytesToHex(bytes)}`);
}

function readProven(bytes: Uint8Array): Proven[] {
  try {
    const decoded = decodeAnchor(decodeCbor(bytes));
    if (decoded.kind === 'reject' || decoded.value.eventProof === undefined) return [];
    return [{ ...decoded.value, eventProof: decoded.value.eventProof }];
  } catch (error) {
    if (error instanceof CborError) return [];
    throw error;
  }
}
