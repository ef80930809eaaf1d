/** A deliverer over a real database file that can be stopped and started again, with a clock the test sets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DeliveryMetrics, DeliveryStore, Logger, Provider } from '../../ports.ts';
import { type Db, openDatabase } from '../../store/database.ts';
import { DELIVERIES_SCHEMA, SqliteDeliveryStore } from '../../store/deliveries.ts';
import { DEFAULT_DELIVERY_SETTINGS, type DeliverySettings } from '../context.ts';
import { Deliverer } from '../deliverer.ts';
import { FakeAnchors, FakeLog, ORIGIN, START } from './fake-log.ts';
import { WEBHOOK_SIGNER } from './scripted-provider.ts';

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A provider that may take the test's clock for its own. */
export interface TestProvider extends Provider {
  nowSeconds?: () => number;
}

export class DeliveryBench {
  readonly log = new FakeLog();
  readonly anchors = new FakeAnchors();
  readonly clock = { time: START, now: () => this.clock.time };
  /** One line for each attempt, as the metrics see it. */
  readonly attempts: string[] = [];
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'deliver-'));
  readonly #providers: readonly TestProvider[];
  readonly #settings: DeliverySettings;
  #db: Db;
  #ids = 0;
  store: DeliveryStore;
  deliverer: Deliverer;

  constructor(providers: readonly TestProvider[], settings: Partial<DeliverySettings> = {}) {
    this.#providers = providers;
    this.#settings = { ...DEFAULT_DELIVERY_SETTINGS, ...settings };
    for (const provider of providers) provider.nowSeconds = () => this.clock.time / 1000;
    this.#db = this.#openDb();
    this.store = new SqliteDeliveryStore(this.#db);
    this.deliverer = this.#build();
  }

  /** What a crash leaves: the file. Everything else is made anew. */
  async restart(wrap: (store: DeliveryStore) => DeliveryStore = (store) => store): Promise<void> {
    await this.deliverer.close();
    this.#db.close();
    this.#db = this.#openDb();
    this.store = wrap(new SqliteDeliveryStore(this.#db));
    this.deliverer = this.#build();
  }

  async close(): Promise<void> {
    await this.deliverer.close();
    this.#db.close();
    rmSync(this.#directory, { recursive: true });
  }

  #openDb(): Db {
    return openDatabase(path.join(this.#directory, 'gateway.db'), [DELIVERIES_SCHEMA]);
  }

  #build(): Deliverer {
    const metrics: DeliveryMetrics = {
      attempted: (provider, kind, outcome) => this.attempts.push(`${provider} ${kind} ${outcome}`),
      delivered: () => {},
    };
    return new Deliverer({
      origin: ORIGIN,
      log: this.log,
      anchors: this.anchors,
      anchorEvents: this.anchors,
      store: this.store,
      providers: this.#providers.map(({ id, url, sealingKey }) => ({ id, url, sealingKey })),
      signers: [WEBHOOK_SIGNER],
      clock: this.clock,
      random: () => 0.5,
      newId: () => `batch-${++this.#ids}`,
      logger: SILENT,
      metrics,
      settings: this.#settings,
    });
  }
}
