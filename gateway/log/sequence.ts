/**
 * Where a statement stands among its device's others: accepted with flags, the same again, or another statement under a
 * number already held. Order is by (boot, seq), never by arrival. Runs inside the commit's transaction.
 */
import { equalBytes } from '../../src/bytes.ts';
import type { Flag } from '../../src/verdict.ts';
import type { SequenceRange } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { SequenceIndex } from '../store/sequence-index.ts';
import type { SequenceStore } from '../store/sequence-store.ts';
import type { DeviceState, SequenceHead } from './device-states.ts';

export type SequenceVerdict =
  | {
      readonly kind: 'new';
      readonly flags: readonly Flag[];
      readonly gap?: SequenceRange;
      readonly fills: boolean;
    }
  | { readonly kind: 'duplicate'; readonly index: number }
  | { readonly kind: 'equivocation'; readonly index: number };

/** A statement's place, and what its neighbours are judged by. */
export interface Placed {
  readonly boot: number;
  readonly seq: number;
  /** SHA-256 of the statement, 32 bytes. */
  readonly entry: Uint8Array;
  /** The entry it names as its predecessor; undefined exactly when seq is 0. */
  readonly prev: Uint8Array | undefined;
  /** Device clock, seconds. */
  readonly issuedAt: number | undefined;
  readonly receivedAt: number;
  /** What its payload earned. */
  readonly flags: readonly Flag[];
}

/** Device clocks are compared with this slack. No basis yet; watch the clock flags in the metrics. */
const CLOCK_AHEAD_MS = 5 * 60_000;
/** Before this moment no device of this protocol existed: such a clock was never set. 2015-01-01T00:00:00Z. */
const EARLIEST_CLOCK_S = 1_420_070_400;

export interface SequenceParts {
  readonly log: LogStore;
  readonly index: SequenceIndex;
  readonly sequences: SequenceStore;
  /** Reads `prev` of the statement held at an index; undefined when its bytes are erased. */
  readonly readPrev: (index: number) => Uint8Array | undefined;
}

/** Judges and records the places of statements. */
export class SequenceJudge {
  readonly #parts: SequenceParts;

  constructor(parts: SequenceParts) {
    this.#parts = parts;
  }

  judge(device: DeviceState, placed: Placed): SequenceVerdict {
    const { head } = device;
    const { boot, seq } = placed;
    if (head !== undefined && (boot < head.boot || (boot === head.boot && seq < head.next)))
      return this.#judgeLate(device, head, placed);
    // Beyond everything held: in the newest boot or in a new one.
    const before = head?.boot === boot ? head : undefined;
    const next = before?.next ?? 0;
    const gap = seq > next ? { boot, from: next, to: seq - 1 } : undefined;
    const flags = [...placed.flags, ...clockFlags(placed, before)];
    if (gap !== undefined) flags.push('gap');
    else if (before !== undefined && !namesAsPrev(placed, before.entry)) flags.push('broken-chain');
    return { kind: 'new', flags, fills: false, ...(gap === undefined ? {} : { gap }) };
  }

  /** Records an accepted statement, which stands at `index` in the log now. */
  record(
    device: DeviceState,
    placed: Placed,
    verdict: SequenceVerdict & { kind: 'new' },
    index: number,
  ): void {
    const { index: sequenceIndex, sequences } = this.#parts;
    const { boot, seq, entry, issuedAt } = placed;
    sequenceIndex.note(device.id, boot, seq, index);
    if (verdict.gap !== undefined) sequences.openGap(device.id, verdict.gap);
    if (verdict.fills) sequences.fillGap(device.id, boot, seq);
    const { head } = device;
    if (head === undefined || boot > head.boot || (boot === head.boot && seq >= head.next))
      device.head = { boot, next: seq + 1, entry: Uint8Array.from(entry), issuedAt };
  }

  /** Of an older boot, or below the greatest number of the newest: held already, or filling a gap, or after the end of its boot. */
  #judgeLate(device: DeviceState, head: SequenceHead, placed: Placed): SequenceVerdict {
    const { index, log } = this.#parts;
    const { boot, seq, entry } = placed;
    const held = index.find(device.id, boot, seq);
    if (held !== undefined) {
      const same = equalBytes(log.entryHash(held) as Uint8Array, entry);
      return { kind: same ? 'duplicate' : 'equivocation', index: held };
    }
    const next = boot === head.boot ? head.next : (index.greatest(device.id, boot)?.seq ?? -1) + 1;
    const gap = seq > next ? { boot, from: next, to: seq - 1 } : undefined;
    const flags: Flag[] = [...placed.flags, ...clockFlags(placed, undefined)];
    if (gap !== undefined) flags.push('gap');
    flags.push('backfill');
    if (this.#isChainBroken(device, placed)) flags.push('broken-chain');
    return { kind: 'new', flags, fills: seq < next, ...(gap === undefined ? {} : { gap }) };
  }

  /** Whether a neighbour that is held contradicts the chain: ours names another predecessor, or our successor does. */
  #isChainBroken(device: DeviceState, placed: Placed): boolean {
    const { index, log, readPrev } = this.#parts;
    const { boot, seq, entry } = placed;
    const before = seq === 0 ? undefined : index.find(device.id, boot, seq - 1);
    if (before !== undefined && !namesAsPrev(placed, log.entryHash(before) as Uint8Array)) return true;
    const after = index.find(device.id, boot, seq + 1);
    const named = after === undefined ? undefined : readPrev(after);
    return named !== undefined && !equalBytes(named, entry);
  }
}

function namesAsPrev({ prev }: Placed, entry: Uint8Array): boolean {
  return prev !== undefined && equalBytes(prev, entry);
}

function clockFlags({ issuedAt: clock, receivedAt }: Placed, before: SequenceHead | undefined): Flag[] {
  if (clock === undefined || clock < EARLIEST_CLOCK_S) return ['clock-unset'];
  if (clock * 1000 > receivedAt + CLOCK_AHEAD_MS) return ['clock-ahead'];
  const last = before?.issuedAt;
  if (last !== undefined && last >= EARLIEST_CLOCK_S && clock < last) return ['clock-behind'];
  return [];
}
