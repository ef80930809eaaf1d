/** When a gateway is killed. A plan is drawn from a seed before anything runs. */
import type { SeededRandom } from '../seeded-random.ts';

/** One round: how the running gateway ends, and how many of the starts after it are cut short. */
export interface Round {
  /** What the kill waits for; `stop` ends the gateway cleanly instead, so that what is killed is the start that follows. */
  readonly moment: Moment;
  /** Full load before the moment is waited for. */
  readonly burstMs: number;
  /** From the moment to the kill. */
  readonly afterMs: number;
  /** Starts that are killed before the one that is left alone. */
  readonly starts: readonly CutStart[];
}

export type Moment = 'load' | 'seal' | 'anchor' | 'enrolment' | 'stop';

/** A start that is killed so long after the process was made, or after it opened its store. */
export interface CutStart {
  readonly from: 'process' | 'store';
  readonly afterMs: number;
}

/** How one installation is set up for its rounds. */
export interface Setting {
  readonly chain: boolean;
  readonly checkpointEverySeconds: number;
  /** Statements in one commit at most: 1 makes every statement a commit of its own. */
  readonly commitBatch: number;
}

/** One kill of a gateway that runs, unless it stopped cleanly, and one for each start that is cut short. */
export function killsOf({ moment, starts }: Round): number {
  return (moment === 'stop' ? 0 : 1) + starts.length;
}

export function planRound(random: SeededRandom, { chain }: Setting): Round {
  const moment = random.pickWeighted<Moment>([
    [10, 'load'],
    [4, 'seal'],
    [chain ? 4 : 0, 'anchor'],
    [3, 'enrolment'],
    [2, 'stop'],
  ]);
  const fewest = moment === 'stop' ? 1 : 0;
  const cut = random.pickWeighted([
    [12, fewest],
    [4, 1],
    [1, 2],
  ]);
  return {
    moment,
    burstMs: random.between(10, 220),
    // An enrolment is a process of its own: its request reaches the store some time after it was started.
    afterMs: moment === 'enrolment' ? random.between(200, 1_500) : random.between(0, 40),
    starts: Array.from({ length: cut }, () => planStart(random)),
  };
}

function planStart(random: SeededRandom): CutStart {
  return random.chance(0.75)
    ? { from: 'store', afterMs: random.between(0, 120) }
    : { from: 'process', afterMs: random.between(0, 1_500) };
}

export function planSetting(random: SeededRandom, chain: boolean): Setting {
  return {
    chain,
    checkpointEverySeconds: chain
      ? 1
      : random.pickWeighted([
          [1, 0.1],
          [1, 0.5],
          [1, 1],
        ] as const),
    commitBatch: random.pickWeighted([
      [1, 1],
      [2, 16],
      [3, 1_024],
    ] as const),
  };
}
