/** What the command line says to a bench. */
import type { Figure } from './report.ts';

export interface BenchOptions {
  /** Progress, for people. */
  readonly say: (line: string) => void;
  /** Only these groups of an intake's figures. */
  readonly only?: readonly string[] | undefined;
  /** How often each ratio is taken; the median is printed. */
  readonly rounds: number;
  /** Where the gateway's CPU profiles go. */
  readonly cpuProf?: string | undefined;
  /** How long a soak lasts. */
  readonly minutes: number;
}

export type Bench = (options: BenchOptions) => Promise<Figure[]>;
