/** Puts the way from a message to its verdict together: the store on its thread, checking on its pool, the intake between. */
import { availableParallelism } from 'node:os';
import type { Closers } from './closers.ts';
import type { GatewayConfig } from './config-schema.ts';
import { reportBackends } from './crypto/verifier.ts';
import type { GatewayError } from './errors.ts';
import type { Metrics } from './http/metrics.ts';
import { databaseFile } from './open-store.ts';
import type { Clock, Logger, SequenceRange } from './ports.ts';
import { RequestWatch } from './request-watch.ts';
import { watchFile } from './store/file-watch.ts';
import { type ConnectedStore, connectStore } from './store-thread/connect.ts';
import { CheckPool } from './validate/check-pool.ts';
import { StatementIntake } from './validate/intake.ts';
import { RegistryCache } from './validate/registry-cache.ts';
import { SecondLook } from './validate/second-look.ts';

export interface IntakeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly closers: Closers;
  readonly onFatal: (error: GatewayError) => void;
}

/** What the intake tells about devices. */
export interface DeviceListener {
  onGap(device: string, gap: SequenceRange): void;
  onDeviceChanged(device: string): void;
  /** The devices of a file have become enrolled. */
  onFleetChanged(): void;
  /** A statement of the device was accepted. */
  onHeard(device: string): void;
}

export interface ComposedIntake {
  readonly store: ConnectedStore;
  readonly registry: RegistryCache;
  readonly intake: StatementIntake;
  readonly requests: RequestWatch;
  /** From now on hears what there is to hear of devices. */
  tell(listener: DeviceListener): void;
}

/** Opens the store, and finishes what a run before left undone: requests and statements held back. */
export async function composeIntake(config: GatewayConfig, parts: IntakeParts): Promise<ComposedIntake> {
  const { clock, logger, metrics, closers } = parts;
  const listeners: DeviceListener[] = [];
  const store = await connectStore(config, parts, {
    onGap: (device, gap) => {
      for (const listener of listeners) listener.onGap(device, gap);
    },
    onDeviceChanged: (urn) => {
      registry.invalidate(urn);
      requests.wake();
      secondLook.at(urn);
      for (const listener of listeners) listener.onDeviceChanged(urn);
    },
    onFleetChanged: () => {
      for (const listener of listeners) listener.onFleetChanged();
    },
    onCommit: (messages, seconds) => metrics.commit(messages, seconds),
    onFatal: parts.onFatal,
  });
  closers.add(() => store.close());
  const watch = watchFile(databaseFile(config), parts.onFatal);
  closers.add(() => watch.close());
  const { log } = store;
  const registry = new RegistryCache(log.registry);
  const requests = new RequestWatch(log.registry, log.deviceWork, logger, clock);
  reportBackends(logger);
  const checker = new CheckPool(config.limits.checkThreads ?? availableParallelism());
  closers.add(() => checker.close());
  const intake = new StatementIntake({
    registry,
    log: log.writer,
    checker,
    maxQueue: config.limits.intakeQueue,
    maxStatementBytes: config.mqtt.maxStatementBytes,
    onVerdict: (verdict, { device }) => {
      metrics.verdict(verdict);
      if (verdict.kind === 'reject')
        logger.info({ device, code: verdict.code, detail: verdict.detail }, 'statement refused');
      if (verdict.kind === 'accept') for (const listener of listeners) listener.onHeard(device);
    },
  });
  closers.add(() => intake.close());
  const secondLook = new SecondLook({ heldBack: log.heldBack, registry, intake, logger });
  closers.add(() => secondLook.close());
  await log.deviceWork.process(clock.now());
  await secondLook.all();
  return { store, registry, intake, requests, tell: (listener) => listeners.push(listener) };
}
