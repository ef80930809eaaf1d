/** What the deliverer and its workers are handed by the composition root. */
import type { Signer } from '../../src/signature.ts';
import type { Clock, DeliveryMetrics, DeliveryStore, Logger } from '../ports.ts';
import type { BatchLimits, DeliveryAnchors, DeliveryLog } from './batching.ts';
import type { RetrySettings } from './outcome.ts';

/** The part of the configuration that concerns delivery. */
export interface DeliverySettings extends BatchLimits, RetrySettings {
  /** One attempt, from connecting to the status line. */
  readonly timeoutMs: number;
  /** How long the first new entry waits for company. */
  readonly lingerMs: number;
  /** Answers like 500 to one batch before it goes to the dead letters. */
  readonly maxRefusals: number;
}

/** Defaults of the configuration's `delivery` section. */
export const DEFAULT_DELIVERY_SETTINGS: DeliverySettings = {
  maxEntries: 256,
  maxBytes: 1024 * 1024,
  maxReceipts: 1024,
  liveWindowMs: 60_000,
  lingerMs: 200,
  timeoutMs: 30_000,
  baseMs: 1_000,
  capMs: 300_000,
  retryAfterCapMs: 3_600_000,
  maxRefusals: 16,
};

/** What every worker of one deliverer is handed. */
export interface DeliveryContext {
  /** Origin of the gateway's log. */
  readonly origin: string;
  readonly log: DeliveryLog;
  readonly anchors: DeliveryAnchors;
  readonly store: DeliveryStore;
  /** Ed25519: the current webhook key, and the former one while providers change over. */
  readonly signers: readonly Signer[];
  readonly clock: Clock;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
  /** A batch id never used before; letters, digits, `_` and `-`. */
  readonly newId: () => string;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  readonly settings: DeliverySettings;
}
