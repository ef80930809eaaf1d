/** What can be fuzzed, and how that is asked for: `npm run fuzz -- NAME --runs N --seed S`. */

export interface FuzzOptions {
  /** How many cases at least. */
  readonly runs: number;
  /** Repeats a run: the same seed makes the same cases. */
  readonly seed: number;
  /** Takes a line about how it goes. */
  readonly say: (line: string) => void;
}

/** What is worth knowing after a run that found nothing. */
export type FuzzFigures = Readonly<Record<string, number>>;

export interface FuzzTarget {
  /** One line for the list of targets. */
  readonly summary: string;
  /** Runs until there were enough cases. Throws {@link FuzzFinding} at the first thing that must not be. */
  run(options: FuzzOptions): Promise<FuzzFigures>;
}

/** Something that must not be, and how to see it again. */
export class FuzzFinding extends Error {
  constructor(target: string, { runs, seed }: Pick<FuzzOptions, 'runs' | 'seed'>, what: string) {
    super(`${what}\nagain: npm run fuzz -- ${target} --runs ${runs} --seed ${seed}`);
    this.name = 'FuzzFinding';
  }
}
