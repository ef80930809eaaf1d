/** Opens what lies in the data directory: the database with every table of the gateway, and the log over it. */
import { join } from 'node:path';
import type { GatewayConfig } from './config-schema.ts';
import type { GatewayError } from './errors.ts';
import { type OpenLog, openLog } from './log/open-log.ts';
import type { Clock, Logger, SequenceRange } from './ports.ts';
import { readSecret, readSigner } from './secrets.ts';
import { SqliteAnchorStore } from './store/anchors.ts';
import { SqliteCosignatureStore } from './store/cosignatures.ts';
import { DATABASE_FILE, type Db, openDatabase } from './store/database.ts';
import { SqliteDeliveryStore } from './store/deliveries.ts';
import { GATEWAY_SCHEMAS } from './store/schemas.ts';
import { SqliteTimestampStore } from './store/timestamps.ts';

/** What the log tells the rest of the gateway. */
export interface StoreEvents {
  readonly onGap: (device: string, gap: SequenceRange) => void;
  readonly onDeviceChanged: (urn: string) => void;
  /** The devices of a file have become enrolled. */
  readonly onFleetChanged: () => void;
  readonly onCommit: (messages: number, seconds: number) => void;
  readonly onFatal: (error: GatewayError) => void;
}

export interface GatewayStore {
  readonly db: Db;
  readonly log: OpenLog;
  readonly anchors: SqliteAnchorStore;
  readonly cosignatures: SqliteCosignatureStore;
  readonly timestamps: SqliteTimestampStore;
  readonly deliveries: SqliteDeliveryStore;
  close(): Promise<void>;
}

export const NO_STORE_EVENTS: StoreEvents = {
  onGap: () => undefined,
  onDeviceChanged: () => undefined,
  onFleetChanged: () => undefined,
  onCommit: () => undefined,
  onFatal: () => undefined,
};

/** The path of the database of a configuration. */
export function databaseFile(config: GatewayConfig): string {
  return join(config.dataDir, DATABASE_FILE);
}

/** Opens the store. Whoever writes holds the writer lock first. */
export function openStore(
  config: GatewayConfig,
  clock: Clock,
  logger: Logger,
  events: StoreEvents,
): GatewayStore {
  const signer = readSigner(config.keys.logKeyFile, 'keys.logKeyFile');
  const masterKey = readSecret(config.keys.masterKeyFile, 'keys.masterKeyFile');
  const db = openDatabase(databaseFile(config), GATEWAY_SCHEMAS);
  try {
    const log = openLog(db, {
      origin: config.origin,
      signer,
      masterKey,
      clock,
      logger,
      quarantine: { perDevice: config.limits.quarantinePerDevice, total: config.limits.quarantineTotal },
      commit: {
        maxBatch: config.limits.commitBatch,
        maxBatchBytes: config.limits.commitBatchBytes,
        maxAgeMs: config.limits.commitAgeMs,
        maxQueue: config.limits.commitQueue,
      },
      suspendOnEquivocation: config.policy.suspendOnEquivocation,
      padTo: config.checkpointPadding,
      ...events,
    });
    return {
      db,
      log,
      anchors: new SqliteAnchorStore(db),
      cosignatures: new SqliteCosignatureStore(db),
      timestamps: new SqliteTimestampStore(db),
      deliveries: new SqliteDeliveryStore(db),
      close: async () => {
        await log.close();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}
