/** The anchorer's records against the checkpoints: whatever was put on its way to the chain must be a state of this log. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import type { FsckContext } from './context.ts';
import { eventProofFault, type ProvenRow } from './event-proof.ts';

interface AnchorRow extends ProvenRow {
  readonly tx_hash: Uint8Array;
  readonly state: string;
  readonly raw: Uint8Array | null;
  readonly checkpoint: Uint8Array | null;
}

interface FormRow {
  readonly tx_hash: Uint8Array;
  readonly what: string;
}

/** Lengths and numbers that the columns' types alone do not hold. */
const MALFORMED = `
SELECT tx_hash, CASE
    WHEN length(tx_hash) <> 32 THEN 'transaction hash'
    WHEN length(root) <> 32 THEN 'root'
    WHEN length(contract) <> 20 THEN 'contract address'
    WHEN length(log_id) <> 32 THEN 'log id'
    WHEN length(sender) <> 20 THEN 'sender'
    WHEN length(block_hash) <> 32 THEN 'block hash'
    WHEN chain_id GLOB '*[^0-9]*' OR chain_id = '' THEN 'chain id'
    WHEN block_number GLOB '*[^0-9]*' OR block_number = '' THEN 'block number'
  END AS what
FROM anchors WHERE what IS NOT NULL`;

const WITH_CHECKPOINT = `
SELECT a.tx_hash, a.size, a.root, a.state, a.raw, a.contract, a.log_id, a.block_number, a.block_hash, a.block_time,
  a.event_proof, c.root AS "checkpoint"
FROM anchors a LEFT JOIN checkpoints c ON c.size = a.size ORDER BY a.rowid`;

export async function checkAnchors({ db, checked, findings, pace }: FsckContext): Promise<void> {
  const total = db.prepare<[], number>('SELECT count(*) FROM anchors').pluck().get() ?? 0;
  pace.begin('anchors', total);
  for (const { tx_hash, what } of db.prepare<[], FormRow>(MALFORMED).iterate())
    findings.add('anchor-malformed', `the ${what} of anchor ${nameOf(tx_hash)} is not one`);
  for (const row of db.prepare<[], AnchorRow>(WITH_CHECKPOINT).iterate()) {
    checked.anchors += 1;
    await pace.step();
    const name = `the ${row.state} anchor ${nameOf(row.tx_hash)} of size ${row.size}`;
    if (row.checkpoint === null) {
      findings.add('anchor-without-checkpoint', `${name} has no checkpoint of its size`);
    } else if (!equalBytes(row.checkpoint, row.root)) {
      findings.add('anchor-without-checkpoint', `${name} has another root than the checkpoint of its size`);
    }
    if (row.raw !== null && !equalBytes(keccak_256(row.raw), row.tx_hash))
      findings.add('anchor-malformed', `${name} keeps a signed transaction that has another hash`);
    const fault = row.event_proof === null ? undefined : eventProofFault(row, row.event_proof);
    if (fault !== undefined)
      findings.add('anchor-malformed', `${name} keeps a proof of its event that is none: ${fault}`);
  }
}

/** A transaction as people look it up. */
export function nameOf(transactionHash: Uint8Array): string {
  return `0x${bytesToHex(transactionHash)}`;
}
