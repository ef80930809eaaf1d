/** How commands reach a gateway's store beside a gateway that may be running. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../gateway/config.ts';
import type { GatewayConfig } from '../gateway/config-schema.ts';
import { GatewayError } from '../gateway/errors.ts';
import { databaseFile, type GatewayStore, NO_STORE_EVENTS, openStore } from '../gateway/open-store.ts';
import type { Logger } from '../gateway/ports.ts';
import { takeWriterLock } from '../gateway/store/writer-lock.ts';
import type { Io, Option, Values } from './cli.ts';
import { text } from './cli.ts';

export const CONFIG_OPTION: Option = {
  type: 'string',
  value: 'FILE',
  description: 'the gateway’s configuration',
  default: 'vitalseal.json',
};

export const SILENT_LOGGER: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Long enough for a gateway that is busy with a long commit. */
const ANSWER_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 50;

export function configOf(values: Values, io: Io): GatewayConfig {
  return loadConfig(text(values, 'config'), io.environment);
}

/**
 * Opens the store beside a running gateway, for reading.
 * @throws GatewayError `store-unavailable` when there is none: who only looks makes no new one at a mistaken place.
 */
export async function withStore<T>(
  config: GatewayConfig,
  use: (store: GatewayStore) => Promise<T>,
): Promise<T> {
  if (!existsSync(databaseFile(config)))
    throw new GatewayError(
      'store-unavailable',
      `there is no store in ${config.dataDir} yet; is dataDir right? vitalseal serve or device enrol makes one`,
    );
  return openAndUse(config, use);
}

/** Opens the store, making it when it is missing. */
export async function openAndUse<T>(
  config: GatewayConfig,
  use: (store: GatewayStore) => Promise<T>,
): Promise<T> {
  const store = openStore(config, { now: Date.now }, SILENT_LOGGER, NO_STORE_EVENTS);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/**
 * Has device requests carried out: by the gateway that is running, or, when none is, here and now by the same code.
 * Returns each request's outcome, '' for done.
 */
export async function settleRequests(config: GatewayConfig, requests: readonly object[]): Promise<string[]> {
  const lock = takeWriterLock(config.dataDir);
  try {
    return await openAndUse(config, async ({ log }) => {
      const ids = log.registry.requests.add(requests.map((request) => JSON.stringify(request)));
      if (lock !== undefined) await log.deviceEvents.process();
      return waitForOutcomes(() => ids.map((id) => log.registry.requests.outcome(id)));
    });
  } finally {
    lock?.release();
  }
}

async function waitForOutcomes(read: () => (string | undefined)[]): Promise<string[]> {
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  for (let outcomes = read(); ; outcomes = read()) {
    if (outcomes.every((outcome) => outcome !== undefined)) return outcomes;
    if (Date.now() > deadline)
      throw new Error(
        'the running gateway has not taken the request yet; it stays recorded and will be carried out',
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
