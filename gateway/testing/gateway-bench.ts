/** A whole gateway without a chain, started from a configuration file as a person would write it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { bytesToHex, utf8ToBytes } from '../../src/bytes.ts';
import { loadConfig } from '../config.ts';
import { sha256 } from '../crypto/hash.ts';
import { type Gateway, startGateway } from '../main.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { QuarantineStore } from '../store/quarantine-store.ts';
import { RegistryStore } from '../store/registry-store.ts';
import { SetClock } from './clock.ts';
import { makeFolder, type TestFolder } from './folder.ts';
import { keyText } from './log-bench.ts';
import { MemoryLogger } from './logger.ts';
import { RawMqtt } from './raw-mqtt.ts';
import { signerFrom, type Wearable } from './wearable.ts';

export const ORIGIN = 'log.test/gateway';
const LOG_SECRET = bytesToHex(sha256(utf8ToBytes('gateway log key')));
export const LOG_KEY = signerFrom('gateway log key').publicKey;

/** Bearer tokens that the configuration knows, by the name of their holder. */
export const TOKENS = {
  admin: 'token-of-the-admin',
  auditor: 'token-of-the-auditor',
  clinic: 'token-of-the-clinic',
  other: 'token-of-another-provider',
  alice: 'token-of-alice',
  bob: 'token-of-bob',
} as const;

const ROLES: Readonly<Record<keyof typeof TOKENS, object>> = {
  admin: { role: 'admin' },
  auditor: { role: 'auditor' },
  clinic: { role: 'provider', subject: 'clinic' },
  other: { role: 'provider', subject: 'other' },
  alice: { role: 'patient', subject: 'alice' },
  bob: { role: 'patient', subject: 'bob' },
};

/** What the file says unless a test says otherwise. */
function baseConfig(): Record<string, unknown> {
  return {
    origin: ORIGIN,
    checkpointEverySeconds: 3600,
    dataDir: 'data',
    keys: { masterKeyFile: 'master.key', logKeyFile: 'log.key', webhookKeyFile: 'webhook.key' },
    mqtt: { port: 0, maxStatementBytes: 4096 },
    http: { port: 0 },
    access: Object.entries(TOKENS).map(([name, token]) => ({
      name,
      tokenSha256: bytesToHex(sha256(utf8ToBytes(token))),
      ...ROLES[name as keyof typeof TOKENS],
    })),
  };
}

/** Writes the files of a gateway into a folder and returns the path of its configuration. */
export function writeGatewayFiles(folder: string, changes: Record<string, unknown> = {}): string {
  const file = join(folder, 'gateway.json');
  writeFileSync(file, JSON.stringify({ ...baseConfig(), ...changes }));
  writeFileSync(join(folder, 'master.key'), `${'4d'.repeat(32)}\n`);
  writeFileSync(join(folder, 'log.key'), `${LOG_SECRET}\n`);
  writeFileSync(join(folder, 'webhook.key'), `${'7e'.repeat(32)}\n`);
  return file;
}

export class GatewayBench {
  readonly folder: TestFolder;
  readonly clock: SetClock;
  readonly logger: MemoryLogger;
  readonly gateway: Gateway;
  readonly baseUrl: string;
  /** A connection of another process, as the command line has. */
  readonly db: Db;
  readonly #ownsFolder: boolean;

  private constructor(
    folder: TestFolder,
    ownsFolder: boolean,
    parts: { clock: SetClock; logger: MemoryLogger },
    gateway: Gateway,
  ) {
    this.folder = folder;
    this.#ownsFolder = ownsFolder;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.gateway = gateway;
    this.baseUrl = `http://127.0.0.1:${gateway.httpPort}`;
    this.db = openDatabase(join(folder.path, 'data', 'gateway.db'), []);
  }

  static async start(
    changes: Record<string, unknown> = {},
    reuse?: TestFolder,
    clock = new SetClock(),
  ): Promise<GatewayBench> {
    const folder = reuse ?? makeFolder();
    const config = loadConfig(writeGatewayFiles(folder.path, changes), {});
    const parts = { clock, logger: new MemoryLogger() };
    return new GatewayBench(folder, reuse === undefined, parts, await startGateway(config, parts));
  }

  /** Leaves requests in the store and waits until the gateway has settled them. */
  async request(...requests: readonly object[]): Promise<string[]> {
    const registry = new RegistryStore(this.db);
    const ids = registry.requests.add(requests.map((request) => JSON.stringify(request)));
    return vi.waitFor(() => {
      const outcomes = ids.map((id) => registry.requests.outcome(id));
      if (outcomes.includes(undefined)) throw new Error('the requests still wait');
      return outcomes as string[];
    });
  }

  enrol(wearable: Wearable, patient = 'alice', provider = 'clinic'): Promise<void> {
    return this.enrolAll([wearable], patient, provider);
  }

  async enrolAll(
    wearables: readonly { readonly urn: string; readonly signer: Pick<Wearable['signer'], 'publicKey'> }[],
    patient = 'alice',
    provider = 'clinic',
  ): Promise<void> {
    const requests = wearables.map(({ urn, signer }) => {
      const key = keyText(signer.publicKey);
      return { action: 'enrol', device: urn, patient, provider, key };
    });
    const refusals = (await this.request(...requests)).filter((outcome) => outcome !== '');
    if (refusals.length > 0) throw new Error(`not enrolled: ${refusals.join(', ')}`);
  }

  join(wearable: Wearable, clientId = 'c'): Promise<RawMqtt> {
    return RawMqtt.join(this.gateway.mqttPort, { clientId, username: wearable.urn });
  }

  get(path: string, token?: string, method = 'GET'): Promise<Response> {
    return fetch(`${this.baseUrl}${path}`, {
      method,
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
  }

  /** The value of one series of the metrics page. */
  async metric(series: string): Promise<number> {
    const page = await (await this.get('/metrics')).text();
    const line = page.split('\n').find((text) => text.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(series.length + 1));
  }

  quarantine(): QuarantineStore {
    return new QuarantineStore(this.db, { perDevice: 1000, total: 1000 });
  }

  count(table: string, where = '1'): number {
    return Number(this.db.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get());
  }

  /** Stops the gateway and leaves its folder. */
  async stop(): Promise<void> {
    this.db.close();
    await this.gateway.close();
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.#ownsFolder) this.folder.remove();
  }
}
