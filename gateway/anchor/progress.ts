/** How far the log has come on its way onto the chain. */
import type { AnchorRecord, AnchorState, AnchorStore, LogReader } from '../ports.ts';

/**
 * The largest size that reached each state, whatever state it is in by now; 0 when none did. What is final has been
 * anchored, and what is anchored has been submitted, so that each size is at most the one before it.
 */
export interface AnchorProgress extends Readonly<Record<AnchorState, number>> {
  /** When that size reached the state (ms): sealed, signed, the time of its block, first seen to be final. */
  readonly reachedAt: Readonly<Partial<Record<AnchorState, number>>>;
}

export async function readProgress(
  log: Pick<LogReader, 'newestCheckpoint'>,
  store: Pick<AnchorStore, 'newest'>,
): Promise<AnchorProgress> {
  const [checkpoint, pending, placed, final] = await Promise.all([
    log.newestCheckpoint(),
    store.newest('submitted'),
    store.newest('anchored'),
    store.newest('final'),
  ]);
  const anchored = larger(placed, final);
  const submitted = larger(pending, anchored);
  return {
    recorded: checkpoint?.size ?? 0,
    submitted: submitted?.size ?? 0,
    anchored: anchored?.size ?? 0,
    final: final?.size ?? 0,
    reachedAt: {
      ...(checkpoint && { recorded: checkpoint.sealedAt }),
      ...(submitted && { submitted: submitted.submittedAt }),
      ...(anchored?.anchor && { anchored: anchored.anchor.blockTime * 1000 }),
      ...(final?.finalAt !== undefined && { final: final.finalAt }),
    },
  };
}

function larger(one: AnchorRecord | undefined, other: AnchorRecord | undefined): AnchorRecord | undefined {
  return (one?.size ?? 0) > (other?.size ?? 0) ? one : other;
}
