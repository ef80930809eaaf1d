/**
 * The composition root: the one place that puts the parts together, and the one reader of configuration.
 *
 * Starting is recovering. The same steps run after a clean stop and after a crash: take the lock, open the store, read the
 * cursors, go on.
 */

import { availableParallelism } from 'node:os';
import { composeAnchoring } from './compose-anchoring.ts';
import { composeBrokers } from './compose-brokers.ts';
import { composeDelivery } from './compose-delivery.ts';
import type { GatewayConfig } from './config-schema.ts';
import { reportBackends } from './crypto/verifier.ts';
import { GatewayError } from './errors.ts';
import { AccessList } from './http/access.ts';
import { Metrics } from './http/metrics.ts';
import { buildHttp, listenHttp } from './http/server.ts';
import { combineOutlets } from './ingest/combine-outlets.ts';
import { MqttBroker } from './ingest/mqtt-broker.ts';
import { QuarantineDirectory, RegistryDirectory } from './log/directory.ts';
import type { Clock, DeviceOutlet, Logger, SequenceRange } from './ports.ts';
import { LogReceipts } from './receipt/receipt-maker.ts';
import { RequestWatch } from './request-watch.ts';
import { readSigner } from './secrets.ts';
import { gatewayHealth, gatewayStatus } from './status.ts';
import { takeWriterLock } from './store/writer-lock.ts';
import { connectStore } from './store-thread/connect.ts';
import { CheckPool } from './validate/check-pool.ts';
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
  /** 0 when the embedded broker is off. */
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

  reportBackends(logger);
  const metrics = new Metrics();
  let outlet: DeviceOutlet | undefined; // what waited in the store is settled before there is a broker
  let embedded: MqttBroker | undefined;
  const events = {
    onGap: (device: string, gap: SequenceRange) => outlet?.requestResend(device, [gap]),
    onDeviceChanged: (urn: string) => {
      registry.invalidate(urn);
      requests.wake();
      secondLook.at(urn);
      embedded?.deviceChanged(urn);
    },
    onCommit: (messages: number, seconds: number) => metrics.commit(messages, seconds),
    onFatal: failure.resolve,
  };
  const store = await connectStore(config, { clock, logger }, events);
  closers.push(() => store.close());
  const { log } = store;
  const registry = new RegistryCache(log.registry);
  const requests = new RequestWatch(log.registry, log.deviceWork, logger, clock);
  const checker = new CheckPool(config.limits.checkThreads ?? availableParallelism());
  closers.push(() => checker.close());
  const intake = new StatementIntake({
    registry,
    log: log.writer,
    checker,
    maxQueue: config.limits.intakeQueue,
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
  closers.push(() => intake.close());
  const secondLook = new SecondLook({ heldBack: log.heldBack, registry, intake, logger });
  closers.push(() => secondLook.close());
  await log.deviceWork.process(clock.now());
  await secondLook.all();

  // An oversize statement is refused by its code; only what is far beyond that is cut off unread.
  const maxPacketBytes = 2 * config.mqtt.maxStatementBytes + PACKET_OVERHEAD_BYTES;
  const broker = new MqttBroker({
    endpoints: [{ host: config.mqtt.host, port: config.mqtt.port, setting: 'mqtt.port' }],
    limits: config.mqtt.limits,
    authentication: 'none',
    registry,
    maxConnections: config.mqtt.maxConnections,
    maxPacketBytes,
    intake,
    clock,
    logger,
    onClose: (reason) => metrics.connectionClosed(reason),
    onPause: (reason) => metrics.readingPaused(reason),
    onConnections: (count) => metrics.connections(count),
  });
  const brokers = composeBrokers(config, { intake, clock, logger }, maxPacketBytes);
  embedded = broker;
  outlet = combineOutlets(config.mqtt.enabled ? [broker, ...brokers] : brokers);

  const signer = readSigner(config.keys.logKeyFile, 'keys.logKeyFile');
  const anchoring = await composeAnchoring(config, {
    store,
    broker: outlet,
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
  const parts = { config, store, intake, anchoring, deliverer, clock, brokers };
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
    'vitalseal_intake_waiting_statements',
    'Statements that have come and have no verdict yet',
    () => intake.waiting,
  );

  metrics.watchBrokers(() => brokers.map((external) => external.view()));
  metrics.watch(
    'vitalseal_connections_waiting',
    'Connections that are not read from because there is no room',
    () => broker.waiting,
  );

  closers.push(() => http.close());
  const httpPort = await listenHttp(http, config.http.host, config.http.port);
  // Both ports before anything is sealed or sent: a start that fails for a busy port leaves no trace.
  const mqttPort = config.mqtt.enabled ? (await broker.listen()).port : 0;
  anchoring.start();
  closers.push(() => anchoring.close());
  deliverer.start();
  closers.push(() => deliverer.close());
  requests.start();
  closers.push(() => requests.close());
  for (const external of brokers) external.start();
  // The first to close: nothing is taken that is not finished.
  closers.push(async () => {
    await Promise.all([
      ...(config.mqtt.enabled ? [broker.close()] : []),
      ...brokers.map((external) => external.close()),
    ]);
  });
  return { mqttPort, httpPort, failed: failure.promise };
}
