/** Whether a set of statements leaves nothing out of what its devices signed in between. */
import { equalBytes } from '../../bytes.ts';
import { hashEntry, type Statement } from '../../statement.ts';
import { type Answer, answer, type StatementRange } from '../answer.ts';

/**
 * Answers `complete`: for each device, sequence numbers without a gap and every statement naming the hash of the one before.
 *
 * It is about what lies between a device's first and last statement in the set, which `data.ranges` tells; what came
 * before or after, nobody can see from here. A device whose counter restarted (a new boot) has one range for each,
 * and what it signed last before the restart is not known: `counter-restarted`.
 *
 * @param areSigned whether every statement's signature was found valid: only a device's own word that nothing
 * lies between is worth anything.
 */
export function judgeCompleteness(statements: readonly Statement[], areSigned: boolean): Answer<'complete'> {
  const runs = Map.groupBy(statements, ({ issuer, boot }) => `${issuer} ${boot}`);
  const ranges: StatementRange[] = [];
  let fault: Answer<'complete'> | undefined;
  for (const run of runs.values()) {
    const sorted = run.toSorted((a, b) => a.seq - b.seq);
    fault ??= judgeRun(sorted);
    const [first, last] = [sorted[0] as Statement, sorted.at(-1) as Statement];
    ranges.push({ device: first.issuer, boot: first.boot, from: first.seq, to: last.seq });
  }
  if (fault !== undefined) return { ...fault, data: { ranges } };
  if (!areSigned) {
    const detail = 'the order is without a gap, but not every signature was found valid';
    return answer('complete', 'signatures-unproven', detail, { ranges });
  }
  if (new Set(ranges.map(({ device }) => device)).size < ranges.length) {
    const detail = 'a device’s counter restarted; what it signed last before is not known';
    return answer('complete', 'counter-restarted', detail, { ranges });
  }
  return answer('complete', 'complete', 'nothing is left out between first and last', { ranges });
}

/** The first fault among the statements of one boot of one device, ascending by sequence number. */
function judgeRun(run: readonly Statement[]): Answer<'complete'> | undefined {
  for (const [at, current] of run.entries()) {
    const previous = run[at - 1];
    if (previous === undefined) continue;
    const place = `statement ${current.seq} of ${current.issuer}`;
    if (current.seq === previous.seq) {
      return answer('complete', 'equivocation', `${place} is there twice, with different content`);
    }
    if (current.seq !== previous.seq + 1) {
      return answer('complete', 'gap', `between ${previous.seq} and ${place} something is missing`);
    }
    if (current.prev === undefined || !equalBytes(current.prev, hashEntry(previous.bytes))) {
      return answer('complete', 'broken-chain', `${place} does not follow the one before it`);
    }
  }
  return undefined;
}
