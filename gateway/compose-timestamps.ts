/** Puts the timestamp stage together, where an authority is configured. */
import type { GatewayConfig } from './config-schema.ts';
import type { Metrics } from './http/metrics.ts';
import type { Clock, Logger, TimestampView } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import { TimestampAuthority } from './timestamp/authority.ts';
import { Stamper } from './timestamp/stamper.ts';

export interface Timestamps {
  /** There is a new checkpoint, or one that a run before may have left unstamped. */
  wake(): void;
  /** undefined without an authority. */
  view(): Promise<TimestampView | undefined>;
  close(): Promise<void>;
}

export interface TimestampsParts {
  readonly store: ConnectedStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function composeTimestamps(config: GatewayConfig, parts: TimestampsParts): Timestamps {
  const { store, metrics } = parts;
  if (config.timestamps === undefined)
    return { wake: () => undefined, view: async () => undefined, close: async () => undefined };
  const { url, everySeconds, policy } = config.timestamps;
  const stamper = new Stamper(
    {
      ...parts,
      authority: new TimestampAuthority(url),
      log: store.log.reader,
      store: store.timestamps,
      monotonic: () => performance.now(),
      onFailure: () => metrics.timestampFailure(),
    },
    { everyMs: everySeconds * 1000, ...(policy !== undefined && { policy }) },
  );
  metrics.watch(
    'vitalseal_timestamp_newest_seconds',
    'Time that the authority put on the newest stamped checkpoint, seconds since 1970; 0 when there is none',
    async () => (await stamper.view()).time ?? 0,
  );
  return stamper;
}
