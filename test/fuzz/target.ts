/** What `npm run fuzz` runs. */
export interface FuzzTarget {
  readonly name: string;
  /**
   * Tries `runs` inputs. Run i depends on `seed + i` alone, so the run that failed is repeated by its own seed and one run.
   *
   * @throws {Error} on the first input that breaks what is promised; the message holds the input and its seed.
   */
  run(options: FuzzOptions): Promise<void>;
}

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** Progress and the summary, line by line. */
  readonly say: (line: string) => void;
}
