/** What a person sees of a running gateway: health for machines that restart it, status for people. */
import { bytesToHex } from '../src/bytes.ts';
import { viewAnchors } from './anchor/views.ts';
import type { Anchoring } from './compose-anchoring.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Deliverer } from './deliver/deliverer.ts';
import type { Health } from './http/status-routes.ts';
import type { BrokerView } from './ingest/external/external-broker.ts';
import type { Clock, TimestampView, WitnessView } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import type { StatementIntake } from './validate/intake.ts';

/** A checkpoint older than so many cadences means that sealing has stopped. */
const STALE_AFTER_CADENCES = 3;
/** Slack for very short cadences, as in tests and demonstrations. */
const STALE_AT_LEAST_MS = 15_000;

/** Attempts in the status. */
const ANCHORS_SHOWN = 10;

export interface StatusSources {
  readonly config: GatewayConfig;
  readonly store: ConnectedStore;
  readonly intake: Pick<StatementIntake, 'waiting'>;
  readonly anchoring: Anchoring;
  readonly witnesses: { views(): Promise<readonly WitnessView[]> };
  readonly timestamps: { view(): Promise<TimestampView | undefined> };
  readonly deliverer: Deliverer;
  readonly clock: Clock;
  readonly watches: { readonly silence: { readonly silent: number; readonly watched: number } };
  /** Existing brokers that statements are taken from. One that is away shows here and leaves the gateway healthy. */
  readonly brokers: readonly { view(): BrokerView }[];
}

/** Healthy only when the store answers and a recent checkpoint can be read; a chain that is away is no reason to restart. */
export async function gatewayHealth({ config, store, clock }: StatusSources): Promise<Health> {
  const checks: Record<string, string> = {};
  try {
    const checkpoint = await store.log.reader.newestCheckpoint();
    checks['store'] = 'ok';
    const limitMs = Math.max(STALE_AFTER_CADENCES * config.checkpointEverySeconds * 1000, STALE_AT_LEAST_MS);
    const age = checkpoint === undefined ? Number.POSITIVE_INFINITY : clock.now() - checkpoint.sealedAt;
    checks['checkpoint'] = age <= limitMs ? 'ok' : 'no recent checkpoint';
  } catch (error) {
    checks['store'] = error instanceof Error ? error.message : 'does not answer';
  }
  return { healthy: Object.values(checks).every((check) => check === 'ok'), checks };
}

/** Log, anchors, deliveries, quarantine, devices. Quantities of the chain as decimal text. */
export async function gatewayStatus({
  config,
  store,
  intake,
  anchoring,
  witnesses,
  timestamps,
  deliverer,
  brokers,
  clock,
  watches: { silence },
}: StatusSources): Promise<object> {
  const { reader, quarantine, registry } = store.log;
  const checkpoint = await reader.newestCheckpoint();
  return plain({
    origin: config.origin,
    now: clock.now(),
    log: {
      size: await reader.size(),
      waiting: intake.waiting,
      checkpoint: checkpoint && {
        size: checkpoint.size,
        root: checkpoint.root,
        sealedAt: checkpoint.sealedAt,
      },
    },
    devices: registry.lists.count(),
    silence: { watched: silence.watched, silent: silence.silent },
    brokers: brokers.map((broker) => broker.view()),
    quarantine: { kept: quarantine.count(), held: quarantine.held(), dropped: quarantine.dropped() },
    witnesses: await witnesses.views(),
    timestamps: await timestamps.view(),
    anchoring: await anchoring.status(),
    anchors: await viewAnchors(store.anchors, reader, ANCHORS_SHOWN),
    deliveries: await deliverer.status(),
  }) as object;
}

/** A copy that JSON can hold: bytes as hex, big integers as decimal text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToHex(Uint8Array.from(value));
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
