/** Puts the HTTP interface together, with the gauges that are read when someone asks. */
import type { FastifyInstance } from 'fastify';
import type { Anchoring } from './compose-anchoring.ts';
import type { Ingest } from './compose-ingest.ts';
import type { Timestamps } from './compose-timestamps.ts';
import type { Watches } from './compose-watch.ts';
import type { Witnesses } from './compose-witnesses.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Deliverer } from './deliver/deliverer.ts';
import { AccessList } from './http/access.ts';
import type { Metrics } from './http/metrics.ts';
import { buildHttp } from './http/server.ts';
import { QuarantineDirectory, RegistryDirectory } from './log/directory.ts';
import type { Clock, Logger } from './ports.ts';
import { LogReceipts } from './receipt/receipt-maker.ts';
import { readSigner } from './secrets.ts';
import { gatewayHealth, gatewayStatus } from './status.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import type { StatementIntake } from './validate/intake.ts';

export interface HttpParts {
  readonly store: ConnectedStore;
  readonly intake: StatementIntake;
  readonly ingest: Ingest;
  readonly watches: Watches;
  readonly witnesses: Witnesses;
  readonly timestamps: Timestamps;
  readonly anchoring: Anchoring;
  readonly deliverer: Deliverer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export async function composeHttp(config: GatewayConfig, parts: HttpParts): Promise<FastifyInstance> {
  const { store, anchoring, deliverer, logger, metrics, watches } = parts;
  const { log } = store;
  const sources = { ...parts, config, brokers: parts.ingest.brokers };
  watchStore(parts);
  return buildHttp({
    host: config.http.host,
    port: config.http.port,
    logger,
    access: new AccessList(config.access),
    metrics,
    health: () => gatewayHealth(sources),
    status: () => gatewayStatus({ ...sources, anchoring }),
    log: log.reader,
    receipts: new LogReceipts({
      origin: config.origin,
      signer: readSigner(config.keys.logKeyFile, 'keys.logKeyFile'),
      log: log.reader,
      anchors: store.anchors,
      timestamps: store.timestamps,
    }),
    devices: new RegistryDirectory({
      ...log,
      cadence: config.policy.silenceAfterSeconds,
      silence: watches.silence,
      now: () => parts.clock.now(),
    }),
    quarantine: new QuarantineDirectory(log.quarantine),
    deadLetters: { list: () => deliverer.deadLetters(), retry: (id) => deliverer.retry(id) },
  });
}

function watchStore({ store, intake, metrics, watches }: HttpParts): void {
  const { reader, quarantine } = store.log;
  metrics.watch('vitalseal_log_entries', 'Entries in the log', () => reader.size());
  metrics.watch('vitalseal_quarantine_statements', 'Refused statements kept', () => quarantine.count());
  metrics.watch(
    'vitalseal_quarantine_dropped_statements',
    'Refused statements that fell out of quarantine',
    () => quarantine.dropped(),
  );
  metrics.watch(
    'vitalseal_held_back_statements',
    'Statements of suspended devices that are kept to be taken in later',
    () => quarantine.held(),
  );
  metrics.watch(
    'vitalseal_intake_waiting_statements',
    'Statements that have come and have no verdict yet',
    () => intake.waiting,
  );
  metrics.watch(
    'vitalseal_devices_watched',
    'Active devices that have a cadence',
    () => watches.silence.watched,
  );
  metrics.watch(
    'vitalseal_devices_silent',
    'Active devices of which nothing was accepted for longer than their cadence',
    () => watches.silence.silent,
  );
}
