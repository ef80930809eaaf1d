/** A gateway that knows a chain through several nodes, each with a hand of its own. */
import { afterEach, expect } from 'vitest';
import { type Hand, NodeProxy } from '../../../contracts/testing/node-proxy.ts';
import { bytesToHex } from '../../../src/bytes.ts';
import { BLOCKS_TO_FINAL, type ConnectOptions, type Life, Scene } from './scene.ts';

/** Short, so that what never answers is over soon; long for loopback. */
const TIMEOUT_MS = 1_000;

type Fields = Readonly<Record<string, unknown>>;
const toHex = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`;

/** A node behind proxies, one for each hand, and a gateway that knows only those. */
export class Town {
  readonly scene: Scene;
  readonly proxies: readonly NodeProxy[];
  readonly #options: ConnectOptions;
  life: Life;

  private constructor(scene: Scene, proxies: readonly NodeProxy[], options: ConnectOptions) {
    this.scene = scene;
    this.#options = options;
    this.proxies = proxies;
    this.life = this.live();
  }

  static async start(hands: readonly Hand[], options: ConnectOptions = {}): Promise<Town> {
    const scene = await Scene.start();
    const proxies = await Promise.all(hands.map((hand) => NodeProxy.start(() => scene.node.url, hand)));
    return new Town(scene, proxies, options);
  }

  /** A new process. */
  live(): Life {
    const rpcUrls = this.proxies.map(({ url }) => url);
    this.life = this.scene.live({ chain: { rpcUrls, timeoutMs: TIMEOUT_MS, ...this.#options } });
    return this.life;
  }

  /** Some cadences with readings in each, and blocks in between. */
  async goOn(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      this.scene.log.append(3);
      await this.scene.nextCadence(this.life);
      await this.scene.mine();
    }
    await this.life.anchorer.tick();
    await this.scene.mine(BLOCKS_TO_FINAL);
    await this.life.anchorer.tick();
  }

  /** The newest checkpoint is in the contract, and known to be final. */
  async expectFinal(): Promise<void> {
    const newest = await this.scene.log.newestCheckpoint();
    expect(await this.scene.contractSize()).toBe(newest?.size);
    expect(await this.life.anchorer.status()).toMatchObject({ final: newest?.size, recorded: newest?.size });
  }

  /** What is called anchored or final is in the chain, in the block that is named. */
  async expectNothingFalse(): Promise<void> {
    for (const record of await this.scene.store.list(1_000)) {
      if (record.anchor === undefined) continue;
      const hash = toHex(record.transactionHash);
      const receipt = (await this.scene.rpc('eth_getTransactionReceipt', hash)) as Fields | null;
      expect(receipt).toMatchObject({ status: '0x1', blockHash: toHex(record.anchor.blockHash) });
    }
  }

  /** What devices were told, and what was sealed into the log, are blocks of the chain that were final. */
  async expectBeaconsTrue(): Promise<void> {
    const { number } = (await this.scene.rpc('eth_getBlockByNumber', 'finalized', false)) as Fields;
    for (const beacon of this.life.beacons) expect(beacon <= BigInt(String(number))).toBe(true);
    for (const beacon of this.scene.log.beacons) {
      if (beacon === undefined) continue;
      const height = `0x${beacon.blockNumber.toString(16)}`;
      const block = (await this.scene.rpc('eth_getBlockByNumber', height, false)) as Fields;
      expect(toHex(beacon.blockHash)).toBe(block['hash']);
    }
  }

  async stop(): Promise<void> {
    await this.scene.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    expect(this.scene.violations()).toEqual([]);
  }
}

/** Starts towns, and stops them after the test. */
export function towns(): typeof Town.start {
  const open: Town[] = [];
  afterEach(async () => {
    for (const town of open.splice(0)) await town.stop();
  });
  return async (...start) => {
    const town = await Town.start(...start);
    open.push(town);
    return town;
  };
}
