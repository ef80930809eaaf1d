/** Makes up the next batch of a provider and turns a batch back into its body. Reads only; nothing here is durable. */
import type { Delivery, DeliveryMode } from '../../src/delivery.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord, Batch, BatchKind, DeliveryStore, LogEntry, LogReader } from '../ports.ts';

/** What delivery reads of the log. */
export type DeliveryLog = Pick<LogReader, 'readForProvider' | 'checkpointAt' | 'multiproof' | 'onCommit'>;

/** What delivery reads of an anchor, and where: the part of `AnchorStore` that it needs. */
export type DeliveryAnchor = Pick<AnchorRecord, 'size' | 'transactionHash' | 'state' | 'anchor'>;
export interface DeliveryAnchors {
  newest(state: 'final'): Promise<DeliveryAnchor | undefined>;
  byTransaction(hash: Uint8Array): Promise<DeliveryAnchor | undefined>;
}

/** Where batches come from. */
export interface BatchSources {
  readonly log: DeliveryLog;
  readonly anchors: DeliveryAnchors;
  readonly store: Pick<DeliveryStore, 'cursor'>;
}

export interface BatchLimits {
  readonly maxEntries: number;
  /** Statement bytes with what the body adds to each; one entry is always taken. */
  readonly maxBytes: number;
  readonly maxReceipts: number;
  /** An entry received longer ago is not live any more. */
  readonly liveWindowMs: number;
}

/** The part of a batch that the log decides. */
export type BatchRange = Pick<Batch, 'from' | 'to' | 'mode' | 'anchor'>;

/** What the body adds to a statement's bytes: index, time, flags, pseudonym, kind. */
const ENTRY_OVERHEAD_BYTES = 128;

/** No batch holds more entries, whatever is configured: so a range is always read back whole. */
const READ_BACK_LIMIT = 4096;

/** The next range to deliver, or `undefined` when the provider has everything. */
export async function nextRange(
  sources: BatchSources,
  provider: string,
  kind: BatchKind,
  limits: BatchLimits,
  now: number,
): Promise<BatchRange | undefined> {
  return kind === 'statements'
    ? nextStatements(sources, provider, limits, now)
    : nextReceipts(sources, provider, limits);
}

async function nextStatements(
  { log, store }: BatchSources,
  provider: string,
  limits: BatchLimits,
  now: number,
): Promise<BatchRange | undefined> {
  const from = await store.cursor(provider, 'statements');
  const atMost = Math.min(limits.maxEntries, READ_BACK_LIMIT);
  const entries = takeBytes(await log.readForProvider(provider, from, atMost), limits.maxBytes);
  const first = entries[0];
  if (first === undefined) return undefined;
  const live = entries.some((entry) => isLive(entry, now - limits.liveWindowMs));
  return { from: first.index, to: lastIndex(entries, first), mode: live ? 'live' : 'backfill' };
}

/** Proofs for what was delivered (or given up) and lies under the newest final anchor. */
async function nextReceipts(
  { log, anchors, store }: BatchSources,
  provider: string,
  limits: BatchLimits,
): Promise<BatchRange | undefined> {
  const final = await anchors.newest('final');
  if (final === undefined) return undefined;
  const from = await store.cursor(provider, 'receipts');
  const end = Math.min(final.size, await store.cursor(provider, 'statements'));
  if (from >= end) return undefined;
  const entries = (
    await log.readForProvider(provider, from, Math.min(limits.maxReceipts, READ_BACK_LIMIT))
  ).filter(({ index }) => index < end);
  const first = entries[0];
  if (first === undefined) return undefined;
  return { from: first.index, to: lastIndex(entries, first), mode: 'live', anchor: final.transactionHash };
}

/**
 * The anchor that a batch of proofs cites: the one that it was made with, unless the chain has broken its word that this was final. Then any final one
 * that covers the batch; undefined while there is none.
 */
export async function findAnchor(
  anchors: DeliveryAnchors,
  { anchor, to }: Pick<Batch, 'anchor' | 'to'>,
): Promise<DeliveryAnchor | undefined> {
  const first = anchor === undefined ? undefined : await anchors.byTransaction(anchor);
  if (first?.state === 'final') return first;
  const newest = await anchors.newest('final');
  return newest !== undefined && newest.size > to ? newest : undefined;
}

/** The entries of a batch, in log order, as they stand now: erased ones without bytes. */
export async function readBatch(log: DeliveryLog, batch: Batch): Promise<LogEntry[]> {
  const limit = Math.min(READ_BACK_LIMIT, batch.to - batch.from + 1);
  const entries = await log.readForProvider(batch.provider, batch.from, limit);
  return entries.filter(({ index }) => index <= batch.to);
}

/** The body of a batch. Throws GatewayError when log and anchors do not hold what the batch was made from. */
export async function buildDelivery(
  sources: BatchSources,
  batch: Batch,
  entries: readonly LogEntry[],
  origin: string,
): Promise<Delivery> {
  const envelope = { origin, provider: batch.provider, batch: batch.id };
  if (batch.kind === 'receipts')
    return { kind: 'receipts', ...envelope, ...(await buildReceipts(sources, batch, entries)) };
  return {
    kind: 'statements',
    ...envelope,
    mode: batch.mode satisfies DeliveryMode,
    entries: entries.flatMap(toDelivered),
    erased: entries.filter((entry) => entry.bytes === undefined).map((entry) => entry.index),
  };
}

async function buildReceipts({ log, anchors }: BatchSources, batch: Batch, entries: readonly LogEntry[]) {
  const record = await findAnchor(anchors, batch);
  const checkpoint = record === undefined ? undefined : await log.checkpointAt(record.size);
  if (record?.anchor === undefined || checkpoint === undefined) {
    throw new GatewayError(
      'store-corrupt',
      'the anchor of a delivery is not in the store; run vitalseal fsck',
      {
        details: { batch: batch.id },
      },
    );
  }
  const indices = entries.map((entry) => entry.index);
  return {
    checkpoint: checkpoint.note,
    entries: entries.map(({ index, entry }) => ({ index, entry })),
    proof: await log.multiproof(indices, record.size),
    anchor: record.anchor,
  };
}

function toDelivered(entry: LogEntry) {
  if (entry.bytes === undefined || entry.kind === 'heartbeat') return [];
  return [
    {
      index: entry.index,
      receivedAt: entry.receivedAt,
      flags: entry.flags,
      ...(entry.patient === undefined ? {} : { patient: entry.patient }),
      kind: entry.kind,
      bytes: entry.bytes,
    },
  ];
}

function isLive(entry: LogEntry, since: number): boolean {
  return entry.receivedAt >= since && !entry.flags.includes('backfill');
}

function takeBytes(entries: readonly LogEntry[], maxBytes: number): LogEntry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, at) => {
    bytes += (entry.bytes?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
    return at > 0 && bytes > maxBytes;
  });
  return end === -1 ? [...entries] : entries.slice(0, end);
}

function lastIndex(entries: readonly LogEntry[], first: LogEntry): number {
  return entries.at(-1)?.index ?? first.index;
}
