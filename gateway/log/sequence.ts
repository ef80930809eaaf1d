/**
 * Where a statement stands among its device's others: accepted with flags, the same again, or another statement under a
 * number already held. Order is by (boot, seq), never by arrival. Runs inside the commit's transaction.
 */
import { equalBytes } from '../../src/bytes.ts';
import type { Flag } from '../../src/verdict.ts';
import type { Candidate, SequenceRange } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { SequenceHead, SequenceStore } from '../store/sequence-store.ts';

export type SequenceVerdict =
  | {
      readonly kind: 'new';
      readonly flags: readonly Flag[];
      readonly gap?: SequenceRange;
      readonly fills: boolean;
    }
  | { readonly kind: 'duplicate'; readonly index: number }
  | { readonly kind: 'equivocation'; readonly index: number };

/** Device clocks are compared with this slack. No basis yet; watch the clock flags in the metrics. */
const CLOCK_AHEAD_MS = 5 * 60_000;
/** Before this moment no device of this protocol existed: such a clock was never set. 2015-01-01T00:00:00Z. */
const EARLIEST_CLOCK_S = 1_420_070_400;

/** Reads `prev` of the statement held at an index; undefined when its bytes are erased. */
export type ReadPrev = (index: number) => Uint8Array | undefined;

export function judgeSequence(
  log: LogStore,
  sequences: SequenceStore,
  candidate: Candidate,
  readPrev: ReadPrev,
): SequenceVerdict {
  const { statement, device, entry } = candidate;
  const held = log.bySequence(device.id, statement.boot, statement.seq);
  if (held !== undefined) {
    return { kind: equalBytes(held.entry, entry) ? 'duplicate' : 'equivocation', index: held.idx };
  }
  const head = sequences.head(device.id, statement.boot);
  const next = head?.next ?? 0;
  const late = statement.seq < next || (sequences.newestBoot(device.id) ?? 0) > statement.boot;
  const gap = statement.seq > next ? { boot: statement.boot, from: next, to: statement.seq - 1 } : undefined;
  const flags: Flag[] = [...candidate.flags, ...clockFlags(candidate, late ? undefined : head)];
  if (gap !== undefined) flags.push('gap');
  if (late) flags.push('backfill');
  if (isChainBroken(log, candidate, readPrev)) flags.push('broken-chain');
  return { kind: 'new', flags, fills: statement.seq < next, ...(gap === undefined ? {} : { gap }) };
}

/** Records an accepted statement in the sequence tables. */
export function recordSequence(
  sequences: SequenceStore,
  candidate: Candidate,
  verdict: SequenceVerdict & { kind: 'new' },
): void {
  const { statement, device, entry } = candidate;
  if (verdict.gap !== undefined) sequences.openGap(device.id, verdict.gap);
  if (verdict.fills) {
    sequences.fillGap(device.id, statement.boot, statement.seq);
    return;
  }
  const head: SequenceHead = {
    boot: statement.boot,
    next: statement.seq + 1,
    last_hash: entry,
    last_iat: statement.issuedAt ?? null,
  };
  sequences.saveHead(device.id, head);
}

function clockFlags({ statement, receivedAt }: Candidate, before: SequenceHead | undefined): Flag[] {
  const clock = statement.issuedAt;
  if (clock === undefined || clock < EARLIEST_CLOCK_S) return ['clock-unset'];
  if (clock * 1000 > receivedAt + CLOCK_AHEAD_MS) return ['clock-ahead'];
  if (before?.last_iat != null && before.last_iat >= EARLIEST_CLOCK_S && clock < before.last_iat)
    return ['clock-behind'];
  return [];
}

/** Whether a neighbour that is held contradicts the chain: ours names another predecessor, or our successor does. */
function isChainBroken(log: LogStore, { statement, device, entry }: Candidate, readPrev: ReadPrev): boolean {
  const before =
    statement.seq === 0 ? undefined : log.bySequence(device.id, statement.boot, statement.seq - 1);
  if (before !== undefined && (statement.prev === undefined || !equalBytes(before.entry, statement.prev)))
    return true;
  const after = log.bySequence(device.id, statement.boot, statement.seq + 1);
  const named = after && readPrev(after.idx);
  return named !== undefined && !equalBytes(named, entry);
}
