/** Everything the demonstration runs on: a directory, a chain, a gateway, a provider. Set up with the same commands people use. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Anvil, anvilAccount, connectChain, startAnvil } from '../../contracts/index.ts';
import type { GatewayConfig } from '../../gateway/config-schema.ts';
import { mustRun, type Running, start } from './processes.ts';

export const PROVIDER_ID = 'clinic';
const ORIGIN = 'demo.vitalseal.example/log';
const FUNDS_WEI = 10n ** 18n;
/** Short enough to see many anchors in a minute; a clinic takes 60. */
const CHECKPOINT_SECONDS = 2;
const POLL_SECONDS = 0.5;
const BLOCK_SECONDS = 1;
/** `finalized` stands two epochs behind the head. */
const SLOTS_IN_AN_EPOCH = 1;

export interface Addresses {
  readonly mqtt: number;
  readonly http: number;
}

export class Stage {
  readonly directory: string;
  readonly config: string;
  readonly providerConfig: string;
  readonly adminToken: string;
  readonly chain: Anvil;
  readonly contractGas: string;
  #gateway: Running;
  #provider: Running;
  #addresses: Addresses;

  private constructor(parts: {
    directory: string;
    chain: Anvil;
    contractGas: string;
    provider: Running;
    gateway: Running;
  }) {
    this.directory = parts.directory;
    this.config = gatewayConfig(parts.directory);
    this.providerConfig = providerConfig(parts.directory);
    this.adminToken = readFileSync(join(parts.directory, 'gateway', 'admin-token'), 'utf8').trim();
    this.chain = parts.chain;
    this.contractGas = parts.contractGas;
    this.#provider = parts.provider;
    this.#gateway = parts.gateway;
    this.#addresses = addressesOf(parts.gateway);
  }

  /** Sets everything up in `directory` and tells each part's address in one line. */
  static async open(directory: string, say: (line: string) => void): Promise<Stage> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const chain = await startAnvil({
      blockTime: BLOCK_SECONDS,
      slotsInAnEpoch: SLOTS_IN_AN_EPOCH,
      stateFile: join(directory, 'chain.json'),
      stateInterval: 1,
    });
    say(`chain      ${chain.url}  (anvil, a real EVM node; a block a second, state in chain.json)`);
    await mustRun(['init', join(directory, 'gateway'), '--origin', ORIGIN]);
    await fundAccount(chain, directory);
    const deployed = await mustRun([
      'contract',
      'deploy',
      '--config',
      gatewayConfig(directory),
      '--rpc',
      chain.url,
    ]);
    say(`contract   ${deployed.split('\n')[0]}`);
    const gatewayFile = join(directory, 'gateway', 'gateway-public.json');
    const line = await mustRun([
      'provider',
      'init',
      join(directory, 'provider'),
      '--id',
      PROVIDER_ID,
      '--gateway',
      gatewayFile,
      '--port',
      '0',
    ]);
    const chainOptions = ['--rpc', chain.url, '--gateway', gatewayFile];
    const provider = await start(
      ['provider', 'serve', '--config', providerConfig(directory), ...chainOptions],
      join(directory, 'provider.log'),
    );
    const { url } = JSON.parse(provider.firstLine) as { url: string };
    say(`provider   ${url}  (the clinic's inbox; opens, checks and stores what it gets)`);
    configure(directory, { ...(JSON.parse(line) as object), url });
    const gateway = await start(
      ['serve', '--config', gatewayConfig(directory)],
      join(directory, 'gateway.log'),
    );
    const stage = new Stage({ directory, chain, contractGas: deployed, provider, gateway });
    say(`gateway    mqtt://127.0.0.1:${stage.addresses.mqtt}  and http://127.0.0.1:${stage.addresses.http}`);
    pinPorts(directory, stage.addresses);
    return stage;
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.#addresses.mqtt}`;
  }

  get gatewayPid(): number {
    return this.#gateway.pid;
  }

  /** Ends the gateway as a power cut would. */
  async killGateway(): Promise<void> {
    this.#gateway.kill('SIGKILL');
    await this.#gateway.exited;
  }

  async startGateway(): Promise<void> {
    this.#gateway = await start(['serve', '--config', this.config], join(this.directory, 'gateway.log'));
    this.#addresses = addressesOf(this.#gateway);
  }

  /** Stops everything, the gateway first, each part cleanly. */
  async close(): Promise<void> {
    for (const process of [this.#gateway, this.#provider]) {
      process.kill('SIGTERM');
      await process.exited;
    }
    await this.chain.stop();
  }
}

function gatewayConfig(directory: string): string {
  return join(directory, 'gateway', 'vitalseal.json');
}

function providerConfig(directory: string): string {
  return join(directory, 'provider', 'provider.json');
}

function addressesOf(gateway: Running): Addresses {
  const { mqtt, http } = JSON.parse(gateway.firstLine) as Addresses;
  return { mqtt, http };
}

async function fundAccount(chain: Anvil, directory: string): Promise<void> {
  const { account } = JSON.parse(readFileSync(join(directory, 'gateway', 'gateway-public.json'), 'utf8')) as {
    account: string;
  };
  const provider = await connectChain(chain.url);
  try {
    const transfer = await anvilAccount(0)
      .connect(provider)
      .sendTransaction({ to: account, value: FUNDS_WEI });
    await transfer.wait();
  } finally {
    provider.destroy();
  }
}

function configure(directory: string, provider: object): void {
  amendConfig(directory, (config) => ({
    ...config,
    mqtt: { port: 0 },
    http: { port: 0 },
    checkpointEverySeconds: CHECKPOINT_SECONDS,
    chain: { ...config.chain, pollSeconds: POLL_SECONDS },
    providers: [provider],
  }));
}

/** After the first start the ports stay, so that devices find the gateway again. */
function pinPorts(directory: string, { mqtt, http }: Addresses): void {
  amendConfig(directory, (config) => ({ ...config, mqtt: { port: mqtt }, http: { port: http } }));
}

function amendConfig(directory: string, change: (config: Partial<GatewayConfig>) => object): void {
  const file = gatewayConfig(directory);
  const config = JSON.parse(readFileSync(file, 'utf8')) as Partial<GatewayConfig>;
  writeFileSync(file, `${JSON.stringify(change(config), null, 2)}\n`);
}
