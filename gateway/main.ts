/**
 * The composition root: the one place that puts the parts together, and the one reader of configuration.
 *
 * Starting is recovering. The same steps run after a clean stop and after a crash: take the lock, open the store, read the
 * cursors, go on.
 */

import { announceSeals } from './announce-seals.ts';
import { Closers } from './closers.ts';
import { composeAnchoring } from './compose-anchoring.ts';
import { composeDelivery } from './compose-delivery.ts';
import { composeHttp } from './compose-http.ts';
import { composeIngest } from './compose-ingest.ts';
import { composeIntake } from './compose-intake.ts';
import { composeTimestamps } from './compose-timestamps.ts';
import { composeWatch } from './compose-watch.ts';
import { composeWitnesses } from './compose-witnesses.ts';
import type { GatewayConfig } from './config-schema.ts';
import { GatewayError } from './errors.ts';
import { Metrics } from './http/metrics.ts';
import { listenHttp } from './http/server.ts';
import type { Clock, Logger } from './ports.ts';
import { takeWriterLock } from './store/writer-lock.ts';

export interface GatewayParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A running gateway. */
export interface Gateway {
  /** Without TLS; 0 where it does not listen so. */
  readonly mqttPort: number;
  /** With TLS; 0 where it does not listen so. */
  readonly mqttTlsPort: number;
  readonly httpPort: number;
  /** Resolves with the failure that makes going on unsafe; the owner then closes and exits. */
  readonly failed: Promise<GatewayError>;
  /** Stops taking, then finishes what was taken. */
  close(): Promise<void>;
}

/** Starts a gateway. Throws GatewayError naming what is missing and what to do; nothing is left running then. */
export async function startGateway(config: GatewayConfig, { clock, logger }: GatewayParts): Promise<Gateway> {
  const closers = new Closers(logger);
  try {
    const running = await compose(config, { clock, logger }, closers);
    return { ...running, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function compose(
  config: GatewayConfig,
  { clock, logger }: GatewayParts,
  closers: Closers,
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
  closers.add(() => lock.release());

  const metrics = new Metrics();
  const shared = { clock, logger, metrics, onFatal: failure.resolve };
  const { store, registry, intake, requests, tell } = await composeIntake(config, { ...shared, closers });
  const ingest = composeIngest(config, {
    ...shared,
    intake,
    registry,
    onListening: (device) => watches.onListening(device),
  });
  const watches = await composeWatch(config, { ...shared, store, ingest });
  tell(watches);
  const witnesses = composeWitnesses(config, { ...shared, store });
  const timestamps = composeTimestamps(config, { ...shared, store });
  const sealer = announceSeals(store.log.sealer, witnesses.wake, () => timestamps.wake());
  const anchoring = await composeAnchoring(config, { ...shared, store, sealer, outlet: ingest.outlet });
  const deliverer = composeDelivery(config, { ...shared, store, anchoring });
  const http = await composeHttp(config, {
    ...shared,
    store,
    intake,
    ingest,
    watches,
    witnesses,
    timestamps,
    anchoring,
    deliverer,
  });

  closers.add(() => http.close());
  const httpPort = await listenHttp(http, config.http.host, config.http.port);
  // Before the first reading: a store that is an old copy must take none.
  await anchoring.lookFirst();
  // Every port before anything is sealed or sent: a start that fails for a busy port leaves no trace.
  const { port: mqttPort, tlsPort: mqttTlsPort } = await ingest.listen();
  witnesses.wake();
  closers.add(() => witnesses.close());
  timestamps.wake();
  closers.add(() => timestamps.close());
  anchoring.start();
  closers.add(() => anchoring.close());
  deliverer.start();
  closers.add(() => deliverer.close());
  requests.start();
  closers.add(() => requests.close());
  watches.start();
  closers.add(() => watches.close());
  ingest.start();
  closers.add(() => ingest.close()); // the first to close: nothing is taken that is not finished
  return { mqttPort, mqttTlsPort, httpPort, failed: failure.promise };
}
