/** The proof of an anchor's event against the rest of its row: receipts carry it, so it must convince whoever reads them. */
import { CborError, decodeCbor } from '../../src/cbor.ts';
import { eventProofFromCbor, findEventProofFault } from '../../src/receipt/event-proof.ts';

/** Columns of an anchor. Those of the block are set wherever there is a proof. */
export interface ProvenRow {
  readonly size: number;
  readonly root: Uint8Array;
  readonly contract: Uint8Array;
  readonly log_id: Uint8Array;
  readonly block_number: string | null;
  readonly block_hash: Uint8Array | null;
  readonly block_time: number | null;
  readonly event_proof: Uint8Array | null;
}

/** What is wrong with the proof, or `undefined`. */
export function eventProofFault(row: ProvenRow, bytes: Uint8Array): string | undefined {
  const { size, root, contract, block_number: number, block_hash: blockHash, block_time: blockTime } = row;
  if (number === null || blockHash === null || blockTime === null) return 'the anchor has no block';
  const proof = readProof(bytes);
  if (proof.kind === 'reject') return proof.detail;
  // The proof says nothing of these two.
  const unproven = { chainId: 0n, transactionHash: new Uint8Array(32) };
  const place = { blockNumber: BigInt(/^[0-9]{1,20}$/.test(number) ? number : 0), blockHash, blockTime };
  return findEventProofFault({ ...unproven, ...place, contract, logId: row.log_id, size, root }, proof.value)
    ?.detail;
}

function readProof(bytes: Uint8Array) {
  try {
    return eventProofFromCbor(decodeCbor(bytes));
  } catch (error) {
    if (error instanceof CborError) return { kind: 'reject', detail: error.message } as const;
    throw error;
  }
}
