/**
 * The composition root: the one place that puts the parts together, and the one reader of configuration.
 *
 * Starting is recovering. The same steps run after a clean stop and after a crash: take the lock, open the store, read the
 * cursors, go on.
 */

import { join } from 'node:path';
import { composeAnchoring } from './compose-anchoring.ts';
import { composeDelivery } from './compose-delivery.ts';
import type { GatewayConfig } from './config-schema.ts';
import { GatewayError } from './errors.ts';
import { AccessList } from './http/access.ts';
import { Metrics } from './http/metrics.ts';
import { buildHttp, listenHttp } from './http/server.ts';
import { MqttBroker } from './ingest/mqtt-broker.ts';
import { QuarantineDirectory, RegistryDirectory } from './log/directory.ts';
import { openStore } from './open-store.ts';
import type { Clock, Logger } from './ports.ts';
import { LogReceipts } from './receipt/receipt-maker.ts';
import { RequestWatch } from './request-watch.ts';
import { readSigner } from './secrets.ts';
import { gatewayHealth, gatewayStatus } from './status.ts';
import { DATABASE_FILE } from './store/database.ts';
import { watchFile } from './store/file-watch.ts';
import { takeWriterLock } from './store/writer-lock.ts';
import { StatementIntake } from './validate/intake.ts';
import { RegistryCache } from './validate/registry-cache.ts';
import { SecondLook } from './validate/second-look.ts';

/** MQTT framing and topic beside the statement. */
const PACKET_OVERHEAD_BYTES = 4096;

export interface GatewayParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A running gateway. */
export interface Gateway {
  readonly mqttPort: number;
  readonly httpPort: number;
  /** Resolves with the failure that makes going on unsafe; the owner then closes and exits. */
  readonly failed: Promise<GatewayError>;
  /** Stops taking, then finishes what was taken. */
  close(): Promise<void>;
}

/** Starts a gateway. Throws GatewayError naming what is missing and what to do; nothing is left running then. */
export async function startGateway(config: GatewayConfig, { clock, logger }: GatewayParts): Promise<Gateway> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        // One part that cannot end well keeps no other from it, the writer lock least of all.
        logger.error(
          { reason: error instanceof Error ? error.message : String(error) },
          'a part did not stop cleanly',
        );
      }
    }
  };
  try {
    return { ...(await compose(config, { clock, logger }, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function compose(
  config: GatewayConfig,
  { clock, logger }: GatewayParts,
  closers: (() => Promise<void> | void)[],
): Promise<Omit<Gateway, 'close'>> {
  const failure = Promise.withResolvers<GatewayError>();
  const lock = takeWriterLock(config.dataDir);
  if (lock === undefined) {
    throw new GatewayError(
      'data-directory-in-use',
      `another gateway writes to ${config.dataDir}; one log has one writer`,
      { fatal: true },
    );
  }
  closers.push(() => lock.release());

  const metrics = new Metrics();
  const store = openStore(config, clock, logger, {
    onGap: (device, gap) => broker.requestResend(device, [gap]),
    onDeviceChanged: (urn) => {
      registry.invalidate(urn);
      requests.wake();
      secondLook.at(urn);
    },
    onCommit: (pieces, seconds) => metrics.commit(pieces, seconds),
    onFatal: failure.resolve,
  });
  closers.push(() => store.close());
  const watch = watchFile(join(config.dataDir, DATABASE_FILE), failure.resolve);
  closers.push(() => watch.close());
  const { log } = store;
  const registry = new RegistryCache(log.registry);
  const requests = new RequestWatch(log.registry, log.deviceEvents, logger);
  const intake = new StatementIntake({
    registry,
    log: log.writer,
    maxStatementBytes: config.mqtt.maxStatementBytes,
    onVerdict: (verdict, inbound) => {
      metrics.verdict(verdict);
      if (verdict.kind === 'reject')
        logger.info(
          { device: inbound.device, code: verdict.code, detail: verdict.detail },
          'statement refused',
        );
    },
  });
  const secondLook = new SecondLook({ heldBack: log.heldBack, registry, intake, logger });
  closers.push(() => secondLook.close());
  await log.deviceEvents.process();
  await secondLook.all();

  const broker = new MqttBroker({
    host: config.mqtt.host,
    port: config.mqtt.port,
    maxConnections: config.mqtt.maxConnections,
    // An oversize statement is refused by its code; only what is far beyond that is cut off unread.
    maxPacketBytes: 2 * config.mqtt.maxStatementBytes + PACKET_OVERHEAD_BYTES,
    intake,
    clock,
    logger,
    onClose: (reason) => metrics.connectionClosed(reason),
    onConnections: (count) => metrics.connections(count),
  });

  const signer = readSigner(config.keys.logKeyFile, 'keys.logKeyFile');
  const anchoring = await composeAnchoring(config, {
    store,
    broker,
    clock,
    logger,
    metrics,
    onFatal: failure.resolve,
  });
  const deliverer = composeDelivery(config, {
    store,
    anchoring,
    clock,
    logger,
    metrics,
    onFatal: failure.resolve,
  });
  const receipts = new LogReceipts({
    origin: config.origin,
    signer,
    log: log.reader,
    anchors: store.anchors,
  });
  const parts = { config, store, anchoring, deliverer, clock, metrics, broker };
  const http = await buildHttp({
    host: config.http.host,
    port: config.http.port,
    logger,
    access: new AccessList(config.access),
    metrics,
    health: () => gatewayHealth(parts),
    status: () => gatewayStatus(parts),
    log: log.reader,
    receipts,
    devices: new RegistryDirectory(log.registry, log.sequences),
    quarantine: new QuarantineDirectory(log.quarantine),
    deadLetters: { list: () => deliverer.deadLetters(), retry: (id) => deliverer.retry(id) },
  });
  metrics.watch('vitalseal_log_entries', 'Entries in the log', () => log.reader.size());
  metrics.watch('vitalseal_quarantine_statements', 'Refused statements kept', () => log.quarantine.count());
  metrics.watch(
    'vitalseal_quarantine_dropped_statements',
    'Refused statements that fell out of quarantine',
    () => log.quarantine.dropped(),
  );
  metrics.watch(
    'vitalseal_commit_queue_pieces',
    'Pieces of work that wait for a commit',
    () => log.committer.waiting,
  );

  closers.push(() => http.close());
  const httpPort = await listenHttp(http, config.http.host, config.http.port);
  // Both ports before anything is sealed or sent: a start that fails for a busy port leaves no trace.
  const mqttPort = await broker.listen();
  anchoring.start();
  closers.push(() => anchoring.close());
  deliverer.start();
  closers.push(() => deliverer.close());
  requests.start();
  closers.push(() => requests.close());
  closers.push(() => broker.close()); // the first to close: nothing is taken that is not finished
  return { mqttPort, httpPort, failed: failure.promise };
}
