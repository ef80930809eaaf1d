/** What `vitalseal sim` does: a fleet against a broker, told in lines, ending in a summary. */
import { ALGORITHM_IDS, type Algorithm } from '../src/cose/algorithm.ts';
import { Fleet, type FleetEvent, type Member, type MisbehaviourResult, type Source } from './fleet.ts';
import type { LinkSecurity } from './link.ts';
import { loadRecordings } from './recordings.ts';
import { Troubles } from './troubles.ts';
import { syntheticFrames } from './vitals.ts';

export interface SimOptions {
  /** mqtt://host:port or mqtts://host:port */
  readonly url: string;
  /** Certificates and tokens; none by default. */
  readonly security?: LinkSecurity;
  readonly stateFolder: string;
  /** Default 3. */
  readonly devices?: number;
  /** Default: all three, in turn. */
  readonly algorithms?: readonly Algorithm[];
  /** Default: recordings where a folder is named, else synthetic. */
  readonly source?: 'recordings' | 'synthetic';
  readonly recordingsFolder?: string;
  /** Subjects to send; default vitals, glucose, ecg, motion. Also eda and ppg are recorded. */
  readonly subjects?: readonly string[];
  /** Seconds of stored readings in one second; default 60. */
  readonly speed?: number;
  /** Seconds of stored readings a synthetic device begins with; default one day. */
  readonly historySeconds?: number;
  /** The most statements a device records; default no limit. */
  readonly limit?: number;
  /** Stops after so many seconds; default when all is sent, or at the signal. */
  readonly durationSeconds?: number;
  /** How long to wait for outstanding acknowledgements at the end; default 10. */
  readonly drainSeconds?: number;
  readonly misbehave?: readonly string[];
  /** 'gateway' where another broker stands between; default 'broker'. */
  readonly keepUntil?: 'broker' | 'gateway';
  readonly seed?: string;
  /** Whether packs carry the test-data mark; default true, since no body is behind any of this now. */
  readonly testData?: boolean;
  /** Size of the payload that `oversize` sends; default 300,000, more than a gateway takes unless configured. */
  readonly oversizeBytes?: number;
}

export interface SimIo {
  /** One line for people. */
  readonly write: (line: string) => void;
  /** One line that should be heard at once: why nothing is sent, and that this is over. */
  readonly warn: (line: string) => void;
  /** Stops the run cleanly. */
  readonly signal: AbortSignal;
  /** Called when the devices exist and before they connect: the moment to enrol them. */
  readonly onMembers?: (members: readonly Member[]) => void | Promise<void>;
  readonly onEvent?: (event: FleetEvent) => void;
}

export interface SimSummary {
  readonly members: readonly Member[];
  readonly recorded: number;
  /** Publications, repeated ones included. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Stored and not acknowledged at the end. */
  readonly pending: number;
  /** Answers heard on the acks topics: "accept", or the code. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly misbehaviours: readonly MisbehaviourResult[];
  /** Why devices had no connection, and how many attempts ended so. */
  readonly troubles: Readonly<Record<string, number>>;
}

const DEFAULT_SUBJECTS = ['vitals', 'glucose', 'ecg', 'motion'];
const PROGRESS_MS = 2000;

/**
 * Runs a fleet until its sources end, its time is over or the signal comes; waits for acknowledgements; closes.
 * Throws RangeError for options that make no sense, RecordingError or Error for recordings and state that cannot be read.
 */
export async function runSim(options: SimOptions, io: SimIo): Promise<SimSummary> {
  const tally = new Tally();
  const troubles = new Troubles();
  const fleet = await Fleet.open({
    stateFolder: options.stateFolder,
    devices: options.devices ?? 3,
    algorithms: options.algorithms ?? (Object.keys(ALGORITHM_IDS) as Algorithm[]),
    sources: await chooseSources(options),
    subjects: options.subjects ?? DEFAULT_SUBJECTS,
    misbehave: options.misbehave ?? [],
    testData: options.testData ?? true,
    speed: positive('speed', options.speed ?? 60),
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    oversizeBytes: options.oversizeBytes ?? 300_000,
    now: () => Date.now() / 1000,
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.keepUntil !== undefined && { keepUntil: options.keepUntil }),
    ...(options.security !== undefined && { security: options.security }),
    onEvent: (event) => {
      tally.count(event);
      const news = troubles.hear(event);
      if (news !== undefined) io.warn(news);
      if (event.kind === 'misbehaved') io.write(describeMisbehaviour(event.result));
      io.onEvent?.(event);
    },
  });
  try {
    for (const { urn, role } of fleet.members) io.write(`${urn}  ${role}`);
    await io.onMembers?.(fleet.members);
    const stop = [io.signal, ...timeLimit(options.durationSeconds)];
    const progress = setInterval(() => io.write(tally.line(fleet.pending)), PROGRESS_MS);
    try {
      await fleet.run(options.url, AbortSignal.any(stop));
      await fleet.drained(AbortSignal.any([io.signal, ...timeLimit(options.drainSeconds ?? 10)]));
    } finally {
      clearInterval(progress);
    }
    io.write(tally.line(fleet.pending));
    return { ...tally.summary(fleet.members, fleet.pending), troubles: troubles.counts };
  } finally {
    await fleet.close();
  }
}

function timeLimit(seconds: number | undefined): AbortSignal[] {
  return seconds === undefined ? [] : [AbortSignal.timeout(positive('seconds', seconds) * 1000)];
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name}: must be above 0`);
  return value;
}

async function chooseSources(options: SimOptions): Promise<Source[]> {
  const folder = options.recordingsFolder;
  const source = options.source ?? (folder === undefined ? 'synthetic' : 'recordings');
  if (source === 'synthetic') {
    const seed = options.seed ?? 'body';
    const historySeconds = options.historySeconds ?? 86_400;
    // Ten bodies are enough for any number of devices to look different.
    return Array.from({ length: 10 }, (_, i) => ({
      name: 'synthetic body',
      historySeconds,
      frames: (startedAt: number) => syntheticFrames(`${seed} ${i}`, startedAt),
    }));
  }
  if (folder === undefined) throw new RangeError('recordingsFolder: needed for source recordings');
  const recordings = await loadRecordings(folder);
  return recordings.map(({ name, frames }) => ({
    name,
    historySeconds: frames.at(-1)?.end ?? 0,
    frames: () => frames,
  }));
}

function describeMisbehaviour({ name, expectedCode, outcome, code, asExpected }: MisbehaviourResult): string {
  const heard = code === undefined ? outcome : `${outcome}, refused as ${code}`;
  return `${name}: ${heard}${asExpected ? ' (as expected)' : ` (expected ${expectedCode})`}`;
}

/** What has happened so far, in numbers. */
class Tally {
  readonly #counts = { recorded: 0, sent: 0, acknowledged: 0 };
  readonly #verdicts: Record<string, number> = {};
  readonly #misbehaviours: MisbehaviourResult[] = [];

  count(event: FleetEvent): void {
    if (event.kind === 'recorded' || event.kind === 'sent' || event.kind === 'acknowledged')
      this.#counts[event.kind] += 1;
    if (event.kind === 'misbehaved') this.#misbehaviours.push(event.result);
    if (event.kind === 'answer') {
      const word = event.code ?? event.verdict;
      this.#verdicts[word] = (this.#verdicts[word] ?? 0) + 1;
    }
  }

  line(pending: number): string {
    const { recorded, sent, acknowledged } = this.#counts;
    const verdicts = Object.entries(this.#verdicts).map(([word, count]) => `, ${count} ${word}`);
    return `${recorded} recorded, ${sent} sent, ${acknowledged} acknowledged, ${pending} waiting${verdicts.join('')}`;
  }

  summary(members: readonly Member[], pending: number): Omit<SimSummary, 'troubles'> {
    return {
      members,
      ...this.#counts,
      pending,
      verdicts: { ...this.#verdicts },
      misbehaviours: [...this.#misbehaviours],
    };
  }
}
