/** What a running gateway is doing, in words. */
import {
  type AnchoringStatus,
  type AnchorView,
  describeAnchoring,
  describeAnchors,
} from './describe-anchoring.ts';
import { isoTime } from './iso-time.ts';

/** The answer of `GET /v1/status`, as far as it is told. */
export interface Status {
  readonly origin: string;
  /** By the gateway's clock, ms. */
  readonly now: number;
  readonly log: {
    readonly size: number;
    readonly checkpoint?: { readonly size: number; readonly sealedAt: number };
  };
  readonly devices: number;
  readonly silence: { readonly watched: number; readonly silent: number };
  readonly quarantine: { readonly kept: number; readonly held: number; readonly dropped: number };
  readonly witnesses: readonly WitnessStatus[];
  readonly timestamps?: TimestampStatus;
  readonly anchoring?: AnchoringStatus;
  readonly anchors: readonly AnchorView[];
  readonly deliveries: readonly {
    provider: string;
    lagMs: number;
    deadLetters: number;
    lastError?: string;
    statements: { cursor: number };
  }[];
}

export interface WitnessStatus {
  readonly name: string;
  readonly size: number;
  readonly lag: number;
  readonly isInConflict: boolean;
  readonly lastError?: { readonly code: string; readonly message: string };
}

interface TimestampStatus {
  readonly size: number;
  readonly time?: number;
  readonly lastError?: { readonly message: string };
}

export function describeStatus(status: Status): string {
  const { origin, now, log, devices, silence, quarantine, witnesses, timestamps, anchoring, deliveries } =
    status;
  const sealed =
    log.checkpoint === undefined
      ? 'none sealed yet'
      : `${log.checkpoint.size}, sealed ${isoTime(log.checkpoint.sealedAt)}`;
  return [
    `log          ${origin}`,
    `entries      ${log.size}`,
    `checkpoint   ${sealed}`,
    `devices      ${devices}; ${describeSilence(silence)}`,
    `quarantine   ${quarantine.kept} kept, ${quarantine.held} of them held back until a device is resumed; ${quarantine.dropped} fell out`,
    ...(anchoring === undefined
      ? ['anchors      no chain is configured']
      : [...describeAnchoring(anchoring, now), ...describeAnchors(status.anchors)]),
    ...witnesses.map(describeWitness),
    ...(timestamps === undefined ? [] : [describeTimestamps(timestamps)]),
    ...deliveries.map(({ provider, lagMs, deadLetters, lastError, statements }) => {
      const trouble = lastError === undefined ? '' : `; last error: ${lastError}`;
      return `provider     ${provider}: delivered up to ${statements.cursor}, ${lagMs} ms behind, ${deadLetters} dead letters${trouble}`;
    }),
  ].join('\n');
}

export function describeWitness({ name, size, lag, isInConflict, lastError }: WitnessStatus): string {
  const reached = `witness      ${name}: cosigned up to ${size}, ${lag} entries behind`;
  if (lastError === undefined) return reached;
  const said = `${lastError.code}: ${lastError.message}`;
  if (!isInConflict) return `${reached}; last error: ${said}`;
  return [
    `${reached}; ALARM: it has cosigned another history of this log`,
    `             ${said}`,
    '             the log has forked (an old copy was put back, or a second gateway has its key), or the witness fails:',
    '             stop and find out which, see "Witnesses" in docs/operations.md',
  ].join('\n');
}

function describeTimestamps({ size, time, lastError }: TimestampStatus): string {
  const newest = time === undefined ? 'none yet' : `up to ${size}, at ${isoTime(time * 1000)}`;
  return `timestamp    ${newest}${lastError === undefined ? '' : `; last error: ${lastError.message}`}`;
}

function describeSilence({ watched, silent }: Status['silence']): string {
  if (watched === 0)
    return 'nobody watches for silent ones (policy.silenceAfterSeconds, vitalseal device cadence)';
  const where = silent === 0 ? '' : ': vitalseal device list --silent';
  return `${silent} of ${watched} with a cadence are silent${where}`;
}
