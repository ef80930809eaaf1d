/**
 * Tells a process that keeps something for every case from one that merely has not tidied up yet: the least memory seen in a stretch
 * of time is what was left after collecting garbage; that of the last third of a run is held against that of the second.
 */
import type { FuzzFigures } from './target.ts';

const HEAP = /^vitalseal_nodejs_heap_size_used_bytes (\S+)$/m;
const EXTERNAL = /^vitalseal_nodejs_external_memory_bytes (\S+)$/m;
const RESIDENT = /^vitalseal_process_resident_memory_bytes (\S+)$/m;
const MEGABYTE = 1024 * 1024;
/** Fewer looks than this say nothing: the compiler and the caches are still warming up. */
const LOOKS_AT_LEAST = 24;
/** What caches with a bound may still take on between the two stretches. */
const GROWTH_AT_MOST = 24 * MEGABYTE;
/** However it came about. The bound that the README promises for a full gateway is 400 MB. */
const RESIDENT_AT_MOST = 600 * MEGABYTE;

interface Look {
  /** Live and dead objects, and what they hold outside of the heap. */
  readonly used: number;
  readonly resident: number;
}

export class MemoryWatch {
  readonly #looks: Look[] = [];

  /** Reads the text of the metrics endpoint. */
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
    if (this.#looks.length < LOOKS_AT_LEAST) return undefined;
    const { before, after } = this.#stretches();
    return after - before > GROWTH_AT_MOST
      ? `memory in use grows: ${inMegabytes(before)} MB, then ${inMegabytes(after)} MB at the least`
      : undefined;
  }

  describe(): string {
    const last = this.#looks.at(-1);
    return `${inMegabytes(last?.used ?? 0)} MB in use, ${inMegabytes(last?.resident ?? 0)} MB resident`;
  }

  figures(): FuzzFigures {
    const { before, after } = this.#stretches();
    return {
      'least MB in use, second third': inMegabytes(before),
      'least MB in use, last third': inMegabytes(after),
      'most MB resident': inMegabytes(Math.max(...this.#looks.map(({ resident }) => resident))),
    };
  }

  #stretches(): { before: number; after: number } {
    const third = Math.floor(this.#looks.length / 3);
    const least = (looks: readonly Look[]): number => Math.min(...looks.map(({ used }) => used));
    return { before: least(this.#looks.slice(third, 2 * third)), after: least(this.#looks.slice(2 * third)) };
  }
}

function inMegabytes(bytes: number): number {
  return Math.round((bytes / MEGABYTE) * 10) / 10;
}
