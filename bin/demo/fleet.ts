/** The honest wearables of the demonstration, and the hostile ones. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  acknowledgedBy,
  type Member,
  MISBEHAVIOURS,
  type MisbehaviourResult,
  runSim,
  type SimSummary,
} from '../../device-sim/index.ts';
import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { mustRun } from './processes.ts';
import { PROVIDER_ID, type Stage } from './stage.ts';

/** Where the project's external data lies when it is there: beside the clone. */
const RECORDINGS = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'recordings');
const DEVICES = 6;
/** Seconds of recording a second: an hour and more passes while one looks on. */
const SPEED = 300;
/** Enough to be busy for the whole demonstration; real recordings end before. */
const STATEMENTS_EACH = 200;
const DRAIN_SECONDS = 20;

/** What honest devices wear: real recordings when they are there. */
export const WEARS_RECORDINGS = existsSync(RECORDINGS);

export interface HonestFleet {
  readonly members: readonly Member[];
  /** Ends when every device has sent everything, or `stop` was called and what was recorded has been acknowledged. */
  readonly done: Promise<SimSummary>;
  stop(): void;
}

/** Enrols the honest devices and lets them send. Resolves once they are enrolled. */
export async function startHonest(stage: Stage, say: (line: string) => void): Promise<HonestFleet> {
  const enrolled = Promise.withResolvers<readonly Member[]>();
  const stop = new AbortController();
  const done = runSim(
    {
      url: stage.brokerUrl,
      stateFolder: join(stage.directory, 'devices'),
      devices: DEVICES,
      speed: SPEED,
      limit: STATEMENTS_EACH,
      drainSeconds: DRAIN_SECONDS,
      ...(WEARS_RECORDINGS
        ? { source: 'recordings', recordingsFolder: RECORDINGS }
        : { source: 'synthetic' }),
    },
    {
      write: () => undefined,
      warn: () => undefined,
      signal: stop.signal,
      onMembers: async (members) => {
        await enrol(stage, members, 'honest');
        for (const { urn, role, publicKey } of members)
          say(`  ${urn}  ${publicKey.algorithm.padEnd(7)}  ${role}`);
        enrolled.resolve(members);
      },
    },
  );
  done.catch(enrolled.reject);
  return { members: await enrolled.promise, done, stop: () => stop.abort() };
}

/** Enrols hostile devices where they must be, lets each misbehave once, and returns how each was taken. */
export async function runHostile(stage: Stage): Promise<readonly MisbehaviourResult[]> {
  const { misbehaviours } = await runSim(
    {
      url: stage.brokerUrl,
      stateFolder: join(stage.directory, 'hostile'),
      devices: 0,
      misbehave: [...MISBEHAVIOURS.keys()],
      source: 'synthetic',
    },
    {
      write: () => undefined,
      warn: () => undefined,
      signal: AbortSignal.timeout(60_000),
      onMembers: (members) =>
        enrol(
          stage,
          members.filter(({ mustBeEnrolled }) => mustBeEnrolled),
          'hostile',
        ),
    },
  );
  return misbehaviours;
}

/** The device's own record of what was acknowledged, as (boot, seq). */
export async function acknowledgedNumbers({
  folder,
}: Member): Promise<readonly { boot: number; seq: number }[]> {
  return acknowledgedBy(folder);
}

/** One patient for each device, through the command a clinic would use. */
async function enrol(stage: Stage, members: readonly Member[], prefix: string): Promise<void> {
  const lines = members.map(({ urn, publicKey }, at) =>
    JSON.stringify({
      device: urn,
      patient: `${prefix}-${at + 1}`,
      provider: PROVIDER_ID,
      key: bytesToBase64(encodeCoseKey(publicKey)),
    }),
  );
  const file = join(stage.directory, `enrol-${prefix}.jsonl`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await mustRun(['device', 'enrol', '--config', stage.config, '--from', file]);
}
