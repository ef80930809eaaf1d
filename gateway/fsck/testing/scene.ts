/** A store written by the real log, validate, anchor and deliver code, to be copied, damaged and checked. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import Value from 'typebox/value';
import { bytesToBase64, bytesToHex } from '../../../src/bytes.ts';
import type { Algorithm } from '../../../src/cose/algorithm.ts';
import { encodeCoseKey } from '../../../src/cose/key.ts';
import { createSigner, type Signer } from '../../../src/signature.ts';
import { hashEntry, signStatement } from '../../../src/statement.ts';
import { type GatewayConfig, GatewayConfigSchema } from '../../config-schema.ts';
import { type GatewayStore, NO_STORE_EVENTS, openStore } from '../../open-store.ts';
import type { Clock, Logger, Verdict } from '../../ports.ts';
import type { Db } from '../../store/database.ts';
import { LOCAL_CHECKER } from '../../testing/log-bench.ts';
import { StatementIntake } from '../../validate/intake.ts';
import { RegistryCache } from '../../validate/registry-cache.ts';

export const ORIGIN = 'log.test/fsck';
export const LOG_SIGNER = createSigner('Ed25519', new Uint8Array(32).fill(7));
/** As by default: the checker does not look at it. */
const MQTT = Value.Default(GatewayConfigSchema.properties.mqtt, {}) as GatewayConfig['mqtt'];
export const MASTER_KEY = new Uint8Array(32).fill(9);
const START = Date.UTC(2026, 0, 1);

/** A device of the test with its counter. */
export class TestDevice {
  readonly urn: string;
  signer: Signer;
  boot = 0;
  seq = 0;
  #prev: Uint8Array | undefined;

  constructor(name: number, algorithm: Algorithm = 'Ed25519') {
    this.urn = `urn:dev:mac:0024befffe80${String(name).padStart(4, '0')}`;
    this.signer = createSigner(algorithm, new Uint8Array(32).fill(name + 1));
  }

  /** The next statement; `text` makes another one under the same number. */
  async state(now: number, text = 'reading'): Promise<Uint8Array> {
    const bytes = await signStatement(
      {
        issuer: this.urn,
        subject: 'vitals',
        contentType: 'application/octet-stream',
        issuedAt: Math.floor(now / 1000),
        seq: this.seq,
        boot: this.boot,
        ...(this.seq === 0 ? {} : { prev: this.#prev ?? new Uint8Array(32) }),
        payload: Buffer.from(`${text} ${this.boot}/${this.seq}`),
      },
      this.signer,
    );
    this.#prev = hashEntry(bytes);
    this.seq += 1;
    return bytes;
  }

  /** Leaves out numbers, as after a crash of the device. */
  skip(count: number): void {
    this.seq += count;
    this.#prev = undefined;
  }

  /** The device has lost its counter. */
  reboot(): void {
    this.boot += 1;
    this.seq = 0;
    this.#prev = undefined;
  }
}

/** A clock that moves a second with every look. */
export class TestClock implements Clock {
  #now = START;

  now(): number {
    this.#now += 1000;
    return this.#now;
  }
}

/** One store that is being written. */
export class Scene {
  readonly config: GatewayConfig;
  readonly store: GatewayStore;
  readonly clock = new TestClock();
  readonly intake: StatementIntake;
  readonly registry: RegistryCache;

  constructor(config: GatewayConfig) {
    this.config = config;
    this.store = openStore(config, this.clock, SILENT, {
      ...NO_STORE_EVENTS,
      onDeviceChanged: (urn) => this.registry.invalidate(urn),
    });
    this.registry = new RegistryCache(this.store.log.registry);
    this.intake = new StatementIntake({
      registry: this.registry,
      log: this.store.log.writer,
      checker: LOCAL_CHECKER,
      maxQueue: 1000,
      maxStatementBytes: config.mqtt.maxStatementBytes,
      onVerdict: () => undefined,
    });
  }

  /** Has requests carried out; throws when one is refused. */
  async request(...requests: readonly object[]): Promise<void> {
    const { registry, deviceEvents } = this.store.log;
    const ids = registry.requests.add(requests.map((request) => JSON.stringify(request)));
    await deviceEvents.process();
    for (const id of ids)
      if (registry.requests.outcome(id) !== '') throw new Error(registry.requests.outcome(id));
  }

  enrol(device: TestDevice, patient: string, provider = 'clinic'): Promise<void> {
    return this.request({
      action: 'enrol',
      device: device.urn,
      patient,
      provider,
      key: keyText(device.signer),
    });
  }

  /** Sends the device's next statements, all in flight together. */
  async send(device: TestDevice, count: number): Promise<Verdict[]> {
    const verdicts: Promise<Verdict>[] = [];
    for (let i = 0; i < count; i++)
      verdicts.push(this.submit(device.urn, await device.state(this.clock.now())));
    return Promise.all(verdicts);
  }

  submit(device: string, bytes: Uint8Array): Promise<Verdict> {
    return this.intake.submit({ device, bytes, receivedAt: this.clock.now() });
  }
}

export function keyText(signer: Signer): string {
  return bytesToBase64(encodeCoseKey(signer.publicKey));
}

/** A folder that is removed with everything in it. */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'vitalseal-fsck-'));
  #copies = 0;

  constructor() {
    writeFileSync(join(this.path, 'log.key'), '07'.repeat(32));
    writeFileSync(join(this.path, 'master.key'), bytesToHex(MASTER_KEY));
  }

  /** A configuration over a data directory of its own. */
  config(over: Partial<GatewayConfig> = {}): GatewayConfig {
    const dataDir = join(this.path, `data-${this.#copies++}`);
    mkdirSync(dataDir);
    return {
      origin: ORIGIN,
      checkpointEverySeconds: 60,
      checkpointPadding: 1,
      dataDir,
      keys: {
        masterKeyFile: join(this.path, 'master.key'),
        logKeyFile: join(this.path, 'log.key'),
        webhookKeyFile: join(this.path, 'log.key'),
      },
      mqtt: MQTT,
      brokers: [],
      http: { host: '127.0.0.1', port: 0 },
      providers: [],
      witnesses: [],
      access: [],
      limits: {
        quarantinePerDevice: 100,
        quarantineTotal: 1000,
        intakeQueue: 20_000,
        commitQueue: 20_000,
        commitAgeMs: 0,
        commitBatch: 64,
        commitBatchBytes: 1_000_000,
        deliveryBatch: 50,
      },
      policy: { suspendOnEquivocation: true },
      logLevel: 'silent',
      ...over,
    };
  }

  /** Copies a closed store and lets `damage` loose on the copy, constraints off. */
  async damaged(of: GatewayConfig, damage: (db: Db) => unknown): Promise<GatewayConfig> {
    const { dataDir } = this.config();
    const file = join(dataDir, 'gateway.db');
    copyFileSync(join(of.dataDir, 'gateway.db'), file);
    const db = new Database(file);
    db.pragma('foreign_keys = OFF');
    db.pragma('ignore_check_constraints = ON');
    await damage(db);
    db.close();
    return { ...of, dataDir };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
