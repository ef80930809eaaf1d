/** What the benchmark says to its load generator, and what that answers. */
import type { LoadAlgorithm } from './device.ts';

/** Devices numbered `first` to `first + count - 1`, each on a connection and at a local address of its own. */
export interface Fleet {
  readonly algorithm: LoadAlgorithm;
  readonly first: number;
  readonly count: number;
}

export type Order =
  /** Makes the devices. */
  | { readonly do: 'make'; readonly fleet: Fleet }
  | { readonly do: 'connect'; readonly port: number }
  /** Signs so many statements for each of the first `lanes` devices. */
  | { readonly do: 'prepare'; readonly lanes: number; readonly each: number }
  /** Makes all that has been sent ready again, for brokers that do not look into it. */
  | { readonly do: 'rewind'; readonly lanes: number }
  /** Sends all that is ready on the first `lanes` connections, each with so many under way. */
  | { readonly do: 'burst'; readonly lanes: number; readonly window: number }
  /** Sends at an even pace, the devices in turn, whatever is acknowledged when. */
  | { readonly do: 'pace'; readonly perSecond: number; readonly seconds: number }
  | { readonly do: 'leave' };

/** What came of a burst or a pace: from the first write to the last acknowledgement. */
export interface LoadResult {
  readonly acknowledged: number;
  readonly seconds: number;
  /** Processor time of the load generator. */
  readonly cpuSeconds: number;
  /** From write to acknowledgement. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export type Answer =
  | { readonly ok: true; readonly result?: LoadResult | undefined }
  | { readonly ok: false; readonly reason: string };
