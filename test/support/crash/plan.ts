/** When a gateway is killed. A plan is drawn from a seed before anything runs. */
import { integer, pick, type Random } from './random.ts';

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

export function planRound(random: Random, { chain }: Setting): Round {
  const moment = pick<Moment>(random, [
    [10, 'load'],
    [4, 'seal'],
    [chain ? 4 : 0, 'anchor'],
    [3, 'enrolment'],
    [2, 'stop'],
  ]);
  const fewest = moment === 'stop' ? 1 : 0;
  const cut = pick(random, [
    [12, fewest],
    [4, 1],
    [1, 2],
  ]);
  return {
    moment,
    burstMs: integer(random, 10, 220),
    // An enrolment is a process of its own: its request reaches the store some time after it was started.
    afterMs: moment === 'enrolment' ? integer(random, 200, 1_500) : integer(random, 0, 40),
    starts: Array.from({ length: cut }, () => planStart(random)),
  };
}

function planStart(random: Random): CutStart {
  return random() < 0.75
    ? { from: 'store', afterMs: integer(random, 0, 120) }
    : { from: 'process', afterMs: integer(random, 0, 1_500) };
}

export function planSetting(random: Random, chain: boolean): Setting {
  return {
    chain,
    checkpointEverySeconds: chain
      ? 1
      : pick(random, [
          [1, 0.1],
          [1, 0.5],
          [1, 1],
        ] as const),
    commitBatch: pick(random, [
      [1, 1],
      [2, 16],
      [3, 1_024],
    ] as const),
  };
}
