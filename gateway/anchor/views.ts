/** Anchors as people want to see them. */
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorRecord, AnchorSetback, AnchorStore, LogReader } from '../ports.ts';

/** One attempt to anchor one checkpoint. Times in ms since the Unix epoch. */
export interface AnchorView {
  readonly state: AnchorRecord['state'];
  /** Why it is `lost`, or `submitted` once more. */
  readonly setback?: AnchorSetback;
  /** All entries below it are covered. */
  readonly size: number;
  /** Of these, entries that no anchor in a block covers before it, and how many of them are statements of devices. */
  readonly newEntries: number;
  readonly newStatements: number;
  readonly sealedAt?: number;
  /** Signed, and sent right after. */
  readonly submittedAt: number;
  /** By the block. */
  readonly anchoredAt?: number;
  /** First seen to be final. */
  readonly finalAt?: number;
  /** 0x and hex, as block explorers have it. */
  readonly transaction: string;
  readonly block?: { readonly number: bigint; readonly hash: string };
  /** Once it was in a block; the price and the cost in wei. */
  readonly gasUsed?: bigint;
  readonly gasPrice?: bigint;
  readonly cost?: bigint;
}

/** The newest attempts, newest first. */
export async function viewAnchors(
  store: Pick<AnchorStore, 'list' | 'sizeBefore'>,
  log: Pick<LogReader, 'checkpointAt' | 'countStatements'>,
  limit: number,
): Promise<AnchorView[]> {
  return Promise.all((await store.list(limit)).map((record) => viewAnchor(record, store, log)));
}

async function viewAnchor(
  record: AnchorRecord,
  store: Pick<AnchorStore, 'sizeBefore'>,
  log: Pick<LogReader, 'checkpointAt' | 'countStatements'>,
): Promise<AnchorView> {
  const { state, setback, size, submittedAt, finalAt, anchor, gasUsed, gasPrice } = record;
  const before = await store.sizeBefore(size);
  const sealedAt = (await log.checkpointAt(size))?.sealedAt;
  return {
    state,
    ...(setback && { setback }),
    size,
    newEntries: size - before,
    newStatements: await log.countStatements(before, size),
    ...(sealedAt !== undefined && { sealedAt }),
    submittedAt,
    ...(anchor && { anchoredAt: anchor.blockTime * 1000 }),
    ...(finalAt !== undefined && { finalAt }),
    transaction: toHex(record.transactionHash),
    ...(anchor && { block: { number: anchor.blockNumber, hash: toHex(anchor.blockHash) } }),
    ...(gasUsed !== undefined && { gasUsed }),
    ...(gasUsed !== undefined && gasPrice !== undefined && { gasPrice, cost: gasUsed * gasPrice }),
  };
}

function toHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}
