/** Checks a receipts delivery by itself: the log signed the checkpoint, and the proof leads to its root. */
import { equalBytes } from '../src/bytes.ts';
import { decodeCbor } from '../src/cbor.ts';
import { verifyCheckpoint } from '../src/checkpoint.ts';
import type { ReceiptsDelivery } from '../src/delivery.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { verifyMany } from '../src/merkle/multiproof.ts';
import { type Anchor, decodeAnchor } from '../src/receipt/anchor.ts';
import { findEventProofFault } from '../src/receipt/event-proof.ts';
import { ok, type Parsed, reject } from '../src/verdict.ts';
import type { Inbox, VerifiedProof } from './inbox.ts';
import type { Trust } from './judge.ts';

/** Why receipts are not believed. */
export type ReceiptFault = 'bad-checkpoint' | 'bad-proof' | 'wrong-anchor' | 'fork';

/**
 * Looks an anchor up on a chain the clinic has access to, in the contract and for the log the clinic expects.
 * `unknown`: the chain cannot be asked now, or the block is not final there yet. It is asked again later.
 */
export interface ChainChecker {
  checkAnchor(anchor: Anchor): Promise<'anchored' | 'contradicted' | 'unknown'>;
}

/** Checks everything about a receipts delivery but the chain; the proof of the anchor's event, when it has one, down to the block. */
export function verifyReceipts(
  { checkpoint: note, entries, proof, anchor }: ReceiptsDelivery,
  { origin, logKey }: Trust,
): Parsed<VerifiedProof, ReceiptFault> {
  const checkpoint = verifyCheckpoint(note, { origin, publicKey: logKey });
  if (checkpoint.kind === 'reject') return reject('bad-checkpoint', checkpoint.detail);
  const { size, root } = checkpoint.value;
  const leaves = entries.map(({ index, entry }) => ({ index, leafHash: hashLeaf(entry) }));
  if (!verifyMany({ leaves, size, proof, root }))
    return reject('bad-proof', 'the proof does not lead to the root');
  if (anchor.size !== size || !equalBytes(anchor.root, root)) {
    return reject('wrong-anchor', 'the anchor is of another checkpoint');
  }
  const fault = anchor.eventProof && findEventProofFault(anchor, anchor.eventProof);
  if (fault !== undefined) return reject('wrong-anchor', fault.detail);
  return ok({ size, root, note, anchor, entries });
}

/** Compares every anchor not settled yet with the chain. Gives how many were settled now. */
export async function checkAnchors(inbox: Inbox, chain: ChainChecker): Promise<number> {
  let settled = 0;
  for (const { size, anchor } of inbox.claimedAnchors()) {
    const decoded = decodeAnchor(decodeCbor(anchor));
    if (decoded.kind === 'reject') continue;
    const answer = await chain.checkAnchor(decoded.value);
    if (answer === 'unknown') continue;
    inbox.settleAnchor(size, answer);
    settled += 1;
  }
  return settled;
}
