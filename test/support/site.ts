/**
 * A whole installation in a directory of its own: a gateway, a care provider and, if wanted, a chain, set up and run by the
 * commands that people use.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Anvil } from '../../contracts/index.ts';
import type { GatewayConfig } from '../../gateway/config-schema.ts';
import { Inbox, type InboxItem, openInboxDatabase, readInbox } from '../../provider/index.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { tilePath, tileWidth } from '../../src/tile.ts';
import { mustRun, type Running, type RunOptions, startVitalseal } from './command.ts';
import { freePort } from './free-port.ts';
import type { Sender } from './sender.ts';

export const ORIGIN = 'clinic.example/log';
export const PROVIDER = 'clinic';
const FUNDS_WEI = '0xde0b6b3a7640000';
const ENTRY_BYTES = 34; // uint16 length and a SHA-256
const LEAF_HEX = /[0-9a-f]{64}/g;

type Config = Record<string, unknown> & Partial<GatewayConfig>;

/** A gateway that runs. */
export interface ServedGateway extends Running {
  readonly mqttUrl: string;
  readonly httpUrl: string;
}

export class Site {
  readonly directory: string;
  readonly config: string;
  readonly providerConfig: string;
  readonly adminToken: string;
  #gateway: ServedGateway | undefined;

  private constructor(directory: string) {
    this.directory = directory;
    this.config = join(directory, 'gateway', 'vitalseal.json');
    this.providerConfig = join(directory, 'provider', 'provider.json');
    this.adminToken = readFileSync(join(directory, 'gateway', 'admin-token'), 'utf8').trim();
  }

  /** A new installation with fixed free ports and a checkpoint a second. Nothing runs yet. */
  static async create(): Promise<Site> {
    const directory = mkdtempSync(join(tmpdir(), 'vitalseal-site-'));
    await mustRun(['init', join(directory, 'gateway'), '--origin', ORIGIN]);
    const site = new Site(directory);
    const line = await mustRun([
      ...['provider', 'init', join(directory, 'provider'), '--id', PROVIDER],
      ...['--gateway', join(directory, 'gateway', 'gateway-public.json')],
    ]);
    site.amend(() => ({ checkpointEverySeconds: 1, providers: [JSON.parse(line) as object] }));
    await site.#takePorts();
    return site;
  }

  /** The same installation once more, on ports of its own: keys, devices and log are alike. Nothing of it may run meanwhile. */
  async copy(): Promise<Site> {
    const directory = mkdtempSync(join(tmpdir(), 'vitalseal-site-'));
    cpSync(this.directory, directory, { recursive: true });
    const site = new Site(directory);
    await site.#takePorts();
    return site;
  }

  /** Puts fields into the configuration of the gateway. */
  amend(change: (config: Config) => object): void {
    const config = this.settings;
    writeFileSync(this.config, JSON.stringify({ ...config, ...change(config) }, null, 2));
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** The configuration of the gateway as it is written. */
  get settings(): Config {
    return JSON.parse(readFileSync(this.config, 'utf8')) as Config;
  }

  get dataDirectory(): string {
    return join(this.directory, 'gateway', String(this.settings.dataDir));
  }

  /** Deploys the contract on a chain and opens the log. Returns what the command printed. */
  async openLogOn(chain: Anvil, options: readonly string[] = []): Promise<string> {
    const known = readFileSync(join(this.directory, 'gateway', 'gateway-public.json'), 'utf8');
    const { account } = JSON.parse(known) as { account: string };
    await callChain(chain, 'anvil_setBalance', [account, FUNDS_WEI]);
    const deploy = ['contract', 'deploy', '--config', this.config, '--rpc', chain.url];
    const printed = await mustRun([...deploy, ...options]);
    this.amend((config) => ({ chain: { ...config.chain, pollSeconds: 0.25 } }));
    return printed;
  }

  async startProvider(): Promise<Running> {
    return startVitalseal(['provider', 'serve', '--config', this.providerConfig]);
  }

  async startGateway(options: RunOptions = {}): Promise<ServedGateway> {
    const program = await startVitalseal(['serve', '--config', this.config], options);
    const { mqtt, http } = JSON.parse(program.firstLine) as { mqtt: number; http: number };
    this.#gateway = {
      ...program,
      mqttUrl: `mqtt://127.0.0.1:${mqtt}`,
      httpUrl: `http://127.0.0.1:${http}`,
    };
    return this.#gateway;
  }

  get gateway(): ServedGateway {
    if (this.#gateway === undefined) throw new Error('the gateway was never started');
    return this.#gateway;
  }

  /** Enrols devices by their COSE keys, beside the gateway or without one. */
  async enrol(...devices: readonly Pick<Sender, 'urn' | 'signer'>[]): Promise<void> {
    const lines = devices.map(({ urn, signer }, at) => {
      const key = Buffer.from(encodeCoseKey(signer.publicKey)).toString('base64');
      return JSON.stringify({ device: urn, patient: `patient-${at}`, provider: PROVIDER, key });
    });
    writeFileSync(this.file('fleet.jsonl'), lines.join('\n'));
    await mustRun(['device', 'enrol', '--config', this.config, '--from', this.file('fleet.jsonl')]);
  }

  /** Enrols one device by the public key in a PEM file. */
  async enrolKey(urn: string, publicFile: string): Promise<void> {
    const device = ['--device', urn, '--patient', 'p', '--provider', PROVIDER, '--key', publicFile];
    await mustRun(['device', 'enrol', '--config', this.config, ...device]);
  }

  /** GET with the administrator's token. */
  async get(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.adminToken}` };
    return fetch(`${this.gateway.httpUrl}${path}`, { headers, signal: AbortSignal.timeout(10_000) });
  }

  async status(): Promise<SiteStatus> {
    return (await (await this.get('/v1/status')).json()) as SiteStatus;
  }

  /** Value of one series of /metrics; 0 when it is not there. */
  async metric(series: string): Promise<number> {
    const text = await (await this.get('/metrics')).text();
    const line = text.split('\n').find((line) => line.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }

  /** Every entry that the newest checkpoint covers, in hex, as a follower of the log reads them. */
  async sealedEntries(): Promise<string[]> {
    const note = await (await this.get('/checkpoint')).text();
    const size = Number(note.split('\n')[1] ?? 0);
    const entries: string[] = [];
    for (let index = 0; tileWidth('entries', index, size) > 0; index++) {
      const path = tilePath('entries', index, tileWidth('entries', index, size));
      const bundle = Buffer.from(await (await this.get(`/${path}`)).arrayBuffer());
      for (let at = 0; at < bundle.length; at += ENTRY_BYTES)
        entries.push(bundle.subarray(at + 2, at + ENTRY_BYTES).toString('hex'));
    }
    return entries;
  }

  /** The leaf hashes of a log of at most 256 entries that the newest checkpoint covers, in hex, out of the served tile. */
  async sealedLeaves(): Promise<string[]> {
    const size = (await this.sealedEntries()).length;
    const tile = await this.get(`/${tilePath(0, 0, size)}`);
    const hashes = Buffer.from(await tile.arrayBuffer()).toString('hex');
    return hashes.match(LEAF_HEX) ?? [];
  }

  /** What a reader finds in the provider's inbox after this position. */
  inbox(after = 0): InboxItem[] {
    const db = openInboxDatabase(join(this.directory, 'provider', 'inbox'));
    try {
      return readInbox(new Inbox(db), { after, limit: 100_000 });
    } finally {
      db.close();
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #takePorts(): Promise<void> {
    const [mqtt, http, port] = [{ port: await freePort() }, { port: await freePort() }, await freePort()];
    const provider = JSON.parse(readFileSync(this.providerConfig, 'utf8')) as { listen: object };
    writeFileSync(
      this.providerConfig,
      JSON.stringify({ ...provider, listen: { ...provider.listen, port } }, null, 2),
    );
    const url = `http://127.0.0.1:${port}/deliveries`;
    this.amend(({ providers = [] }) => ({
      mqtt,
      http,
      providers: providers.map((known) => ({ ...known, url })),
    }));
  }
}

interface SiteStatus {
  readonly log: { readonly size: number };
  readonly devices: number;
  readonly quarantine: { readonly kept: number };
  readonly anchoring?: {
    readonly anchored?: number;
    readonly final: number;
    readonly lastError?: { readonly code: string };
  };
}

/** One JSON-RPC call to a development chain. */
export async function callChain(
  { url }: Pick<Anvil, 'url'>,
  method: string,
  params: unknown[],
): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}
