/** A real node with the contract on it, and a store that the real anchorer has anchored there. */
import { Contract, id, JsonRpcProvider, Wallet } from 'ethers';
import { type Anvil, anvilAccount, startAnvil } from '../../../contracts/anvil.ts';
import { deployReadingLog, openLog, READING_LOG_ABI } from '../../../contracts/index.ts';
import { bytesToHex, hexToBytes } from '../../../src/bytes.ts';
import { thumbprint } from '../../../src/cose/key.ts';
import { Anchorer } from '../../anchor/anchorer.ts';
import { EthersChain } from '../../anchor/ethers-chain.ts';
import { LATE_MS } from '../../anchor/quorum/member.ts';
import { majorityOf } from '../../anchor/quorum/votes.ts';
import { QuorumChain } from '../../anchor/quorum-chain.ts';
import type { GatewayConfig } from '../../config-schema.ts';
import { LOG_SIGNER, Scene, TestDevice, type TestFolder } from './scene.ts';

export type ChainConfig = NonNullable<GatewayConfig['chain']>;

/** With this many slots anvil calls a block final when four more stand on it. */
const SLOTS_IN_AN_EPOCH = 2;
const BLOCKS_TO_FINAL = 4;
const HOUR_MS = 3_600_000;

export class AnchoredScene {
  readonly node: Anvil;
  readonly chain: ChainConfig;
  /** The same contract's log that was opened for another log key. */
  readonly foreignLogId: string;
  readonly #provider: JsonRpcProvider;

  private constructor(node: Anvil, provider: JsonRpcProvider, chain: ChainConfig, foreignLogId: string) {
    this.node = node;
    this.#provider = provider;
    this.chain = chain;
    this.foreignLogId = foreignLogId;
  }

  /** `ways`: URLs that lead to the node; its own without it. */
  static async start(
    ways = async (url: string): Promise<readonly string[]> => [url],
  ): Promise<AnchoredScene> {
    const node = await startAnvil({ slotsInAnEpoch: SLOTS_IN_AN_EPOCH });
    const provider = new JsonRpcProvider(node.url, undefined, { staticNetwork: true, cacheTimeout: -1 });
    const owner = new Wallet(anvilAccount(1).privateKey, provider);
    const operator = anvilAccount(0).address;
    const { address } = await deployReadingLog(owner);
    const logKeyHash = thumbprint(LOG_SIGNER.publicKey);
    const { logId } = await openLog(owner, address, { operator, logKeyHash });
    const foreign = await openLog(owner, address, { operator, logKeyHash: id('another key') });
    const chain: ChainConfig = {
      rpcUrls: [...(await ways(node.url))],
      chainId: 31337,
      contract: address,
      logId,
      keystoreFile: 'none',
      passwordFile: 'none',
      finality: 'auto',
      confirmations: 3,
      transactions: 'auto',
      maxFeeGwei: 100,
      preferredFeeWaitSeconds: 3_600,
      lowBalanceDays: 14,
      pollSeconds: 1,
    };
    return new AnchoredScene(node, provider, chain, foreign.logId);
  }

  /** Writes a store and anchors it three times: twice for good, the last time in the newest block. */
  async write(folder: TestFolder): Promise<GatewayConfig> {
    const scene = new Scene(folder.config({ chain: this.chain }));
    const device = new TestDevice(1);
    await scene.enrol(device, 'ann');
    for (const blocks of [BLOCKS_TO_FINAL, BLOCKS_TO_FINAL, 0]) {
      await scene.send(device, 30);
      await this.anchor(scene);
      await this.rpc('anvil_mine', `0x${blocks.toString(16)}`);
      await this.follow(scene);
    }
    await scene.store.close();
    return scene.config;
  }

  /** Seals, and brings the checkpoint onto the chain. */
  async anchor(scene: Scene): Promise<void> {
    await scene.store.log.sealer.seal(undefined);
    await this.follow(scene);
    await this.follow(scene);
  }

  /** One look of the real anchorer at the chain. */
  async follow({ store, clock }: Scene): Promise<void> {
    const failures: string[] = [];
    const silent = () => undefined;
    // Failures carry a code; setbacks, which the anchorer heals by itself, do not.
    const warn = (fields: object, message: string): void => void ('code' in fields && failures.push(message));
    const target = {
      chainId: BigInt(this.chain.chainId),
      contract: hexToBytes(this.chain.contract.slice(2)),
      logId: hexToBytes(this.chain.logId.slice(2)),
    };
    const nodes = this.chain.rpcUrls.map((rpcUrl) => {
      const finality = { by: 'auto', confirmations: 3 } as const;
      return new EthersChain({ rpcUrl, target, signer: anvilAccount(0), finality, timeoutMs: 5_000 });
    });
    const quorum = majorityOf(nodes.length);
    const anchorer = new Anchorer(
      {
        chain: new QuorumChain(nodes, { quorum, clock, lateMs: LATE_MS }),
        store: store.anchors,
        log: store.log.reader,
        sealer: store.log.sealer,
        outlet: { publishBeacon: silent },
        clock,
        logger: { debug: silent, info: silent, warn, error: warn },
        onFatal: (error) => failures.push(error.message),
      },
      {
        anchorEveryMs: HOUR_MS,
        pollEveryMs: 1,
        retryAtMostMs: 1,
        lowBalanceDays: 0,
        transactions: 'auto',
        feeCeiling: 10n ** 11n,
        stuckAfterMs: HOUR_MS,
      },
    );
    await anchorer.tick();
    await anchorer.close();
    if (failures.length > 0) throw new Error(`anchoring failed: ${failures.join('; ')}`);
  }

  /** Anchors something past the gateway, as who holds the operator's key could. */
  async anchorDirectly(logId: string, size: number, root: Uint8Array): Promise<void> {
    const operator = new Wallet(anvilAccount(0).privateKey, this.#provider);
    const contract = new Contract(this.chain.contract, READING_LOG_ABI, operator);
    const sent = await contract.getFunction('anchor').send(logId, size, `0x${bytesToHex(root)}`, []);
    await sent.wait();
  }

  /** Any method of the node, anvil's own included. */
  rpc(method: string, ...params: unknown[]): Promise<unknown> {
    return this.#provider.send(method, params);
  }

  async stop(): Promise<void> {
    this.#provider.destroy();
    await this.node.stop();
  }
}
