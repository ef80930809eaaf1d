/**
 * Tells a process that keeps something for every case from one that has warmed up: what it holds after collecting its garbage,
 * looked at twenty times in a run, must not grow from the third of the looks to the last of them.
 */
import type { FuzzFigures } from './target.ts';

const HEAP = /^vitalseal_nodejs_heap_size_used_bytes (\S+)$/m;
const EXTERNAL = /^vitalseal_nodejs_external_memory_bytes (\S+)$/m;
const RESIDENT = /^vitalseal_process_resident_memory_bytes (\S+)$/m;
const MEGABYTE = 1024 * 1024;
const LOOKS = 20;
/** Looks before this one are warm-up: code is compiled, caches and pools fill. */
const WARM = 6;
/** Looks that are averaged, because each sees other cases under way. */
const AVERAGED = 4;
/** What bounded tables may still take on in between: the addresses and names that the broker remembers, at most 50,000 of them. */
const GROWTH_AT_MOST = 32 * MEGABYTE;
/** However it came about: all threads, the compiler, and the allocator's reserve. */
const RESIDENT_AT_MOST = 700 * MEGABYTE;

interface Look {
  /** Of the main thread: objects alive, and what they hold outside of the heap. */
  readonly used: number;
  readonly resident: number;
}

export class MemoryWatch {
  readonly #looks: Look[] = [];

  /** Whether it is time for a look, when `done` of `runs` cases are through. */
  isDue(done: number, runs: number): boolean {
    return done * LOOKS >= (this.#looks.length + 1) * runs;
  }

  /** Reads the text of the metrics endpoint, right after garbage was collected. */
  look(metrics: string): void {
    const of = (pattern: RegExp): number => Number(pattern.exec(metrics)?.[1] ?? Number.NaN);
    this.#looks.push({ used: of(HEAP) + of(EXTERNAL), resident: of(RESIDENT) });
  }

  /** Undefined when all is well, or when it cannot be told yet. */
  trouble(): string | undefined {
    const last = this.#looks.at(-1);
    if (last === undefined) return undefined;
    if (Number.isNaN(last.used + last.resident)) return 'the metrics do not tell the memory in use';
    if (last.resident > RESIDENT_AT_MOST) return `the gateway holds ${inMegabytes(last.resident)} MB`;
    const { warm, now } = this.#held();
    return now - warm > GROWTH_AT_MOST
      ? `what the gateway holds grows: from ${inMegabytes(warm)} to ${inMegabytes(now)} MB`
      : undefined;
  }

  describe(): string {
    const last = this.#looks.at(-1);
    return `${inMegabytes(last?.used ?? 0)} MB held, ${inMegabytes(last?.resident ?? 0)} MB resident`;
  }

  figures(): FuzzFigures {
    const { warm, now } = this.#held();
    return {
      'looks at memory': this.#looks.length,
      'MB held when warm': inMegabytes(warm),
      'MB held at the end': inMegabytes(now),
      'most MB resident': inMegabytes(Math.max(0, ...this.#looks.map(({ resident }) => resident))),
    };
  }

  /** The same twice while there are too few looks. */
  #held(): { warm: number; now: number } {
    const mean = (looks: readonly Look[]): number =>
      looks.reduce((sum, { used }) => sum + used, 0) / Math.max(1, looks.length);
    const now = mean(this.#looks.slice(-AVERAGED));
    const isTooEarly = this.#looks.length < WARM + 2 * AVERAGED;
    return { warm: isTooEarly ? now : mean(this.#looks.slice(WARM, WARM + AVERAGED)), now };
  }
}

function inMegabytes(bytes: number): number {
  return Math.round((bytes / MEGABYTE) * 10) / 10;
}
