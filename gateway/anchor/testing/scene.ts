/** A real node with the contract on it, and everything an anchorer needs around it. */
import { Contract, ContractFactory, type HDNodeWallet, id, JsonRpcProvider, Wallet } from 'ethers';
import { type Anvil, type AnvilOptions, anvilAccount, startAnvil } from '../../../contracts/anvil.ts';
import { READING_LOG_ABI, READING_LOG_BYTECODE } from '../../../contracts/index.ts';
import { hexToBytes } from '../../../src/bytes.ts';
import type { GatewayError } from '../../errors.ts';
import type { AnchorRecord, AnchorTarget, Logger } from '../../ports.ts';
import { SetClock } from '../../testing/clock.ts';
import { MemoryLogger } from '../../testing/logger.ts';
import { Anchorer, type AnchorerOptions } from '../anchorer.ts';
import { EthersChain, type EthersChainOptions } from '../ethers-chain.ts';
import { majorityOf } from '../quorum/votes.ts';
import { QuorumChain } from '../quorum-chain.ts';
import type { AnchorMetrics } from '../status.ts';
import { CheckedStore } from './checked-store.ts';
import { FaultChain } from './fault-chain.ts';
import { MemoryLog } from './memory-log.ts';

/** With this many slots anvil calls a block final when four more stand on it. */
export const SLOTS_IN_AN_EPOCH = 2;
export const BLOCKS_TO_FINAL = 2 * SLOTS_IN_AN_EPOCH;

export const CADENCE_MS = 60_000;
export const STUCK_AFTER_MS = 30_000;
/** At a fraction of a millisecond each, well beyond what mining one transaction takes. */
const MOST_LOOKS = 500;
/** Loopback answers within a few milliseconds. */
const LATE_MS = 100;
const GWEI = 1_000_000_000n;

export const OPTIONS: AnchorerOptions = {
  anchorEveryMs: CADENCE_MS,
  pollEveryMs: 1_000,
  retryAtMostMs: 8_000,
  lowBalanceDays: 14,
  transactions: 'auto',
  feeCeiling: 100n * GWEI,
  stuckAfterMs: STUCK_AFTER_MS,
};

/** One life of an anchorer: what a process is in production. */
export interface Life {
  readonly anchorer: Anchorer;
  readonly chain: FaultChain;
  readonly finals: AnchorRecord[];
  readonly beacons: bigint[];
  readonly fatals: GatewayError[];
  readonly logger: MemoryLogger;
  readonly events: string[];
}

export interface ConnectOptions extends Partial<Omit<EthersChainOptions, 'rpcUrl'>> {
  /** Ways to the node; the node itself without them. */
  readonly rpcUrls?: readonly string[];
  /** When an answer is late; LATE_MS unless the machine's load must not decide. */
  readonly lateMs?: number;
}

export interface LifeOptions {
  readonly anchorer?: Partial<AnchorerOptions>;
  readonly chain?: ConnectOptions;
  readonly log?: MemoryLog;
}

export class Scene {
  node: Anvil;
  readonly clock = new SetClock();
  readonly log = new MemoryLog(this.clock);
  readonly store = new CheckedStore();
  readonly operator: HDNodeWallet = anvilAccount(0);
  readonly owner: HDNodeWallet = anvilAccount(1);
  readonly #lives: Life[] = [];
  #target: AnchorTarget | undefined;

  private constructor(node: Anvil) {
    this.node = node;
  }

  /** Starts a node and opens a log on it, owned by account 1 and operated by account 0. */
  static async start(options: AnvilOptions = {}): Promise<Scene> {
    const scene = new Scene(await startAnvil({ slotsInAnEpoch: SLOTS_IN_AN_EPOCH, ...options }));
    const provider = new JsonRpcProvider(scene.node.url, undefined, {
      staticNetwork: true,
      cacheTimeout: -1,
    });
    try {
      const owner = new Wallet(scene.owner.privateKey, provider);
      const deployed = await new ContractFactory(READING_LOG_ABI, READING_LOG_BYTECODE, owner).deploy();
      const address = await deployed.getAddress();
      const contract = new Contract(address, READING_LOG_ABI, owner);
      await (await contract.getFunction('open')(scene.operator.address, id('log key'))).wait();
      const logId: string = await contract.getFunction('logIdOf')(scene.owner.address, id('log key'));
      scene.#target = { chainId: 31337n, contract: fromHex(address), logId: fromHex(logId) };
    } finally {
      provider.destroy();
    }
    return scene;
  }

  get target(): AnchorTarget {
    if (this.#target === undefined) throw new Error('the scene has not started');
    return this.#target;
  }

  /** A new process over the same store and log. The one before is not closed: it crashed, or is still there. */
  live(options: LifeOptions = {}): Life {
    const log = options.log ?? this.log;
    const logger = new MemoryLogger();
    const chain = new FaultChain(this.connect(options.chain, logger), this.store, () => this.#mined());
    const finals: AnchorRecord[] = [];
    const beacons: bigint[] = [];
    const fatals: GatewayError[] = [];
    const events: string[] = [];
    const anchorer = new Anchorer(
      {
        chain,
        store: this.store,
        log,
        sealer: log,
        outlet: { publishBeacon: (beacon) => void beacons.push(beacon.blockNumber) },
        clock: this.clock,
        logger,
        metrics: collectEvents(events),
        onFatal: (error) => fatals.push(error),
      },
      { ...OPTIONS, ...options.anchorer },
    );
    anchorer.onFinal((record) => finals.push(record));
    const life = { anchorer, chain, finals, beacons, fatals, logger, events };
    this.#lives.push(life);
    return life;
  }

  connect(
    { rpcUrls = [this.node.url], lateMs = LATE_MS, ...options }: ConnectOptions = {},
    logger = new MemoryLogger(),
  ): QuorumChain {
    const nodes = rpcUrls.map(
      (rpcUrl) =>
        new EthersChain({
          rpcUrl,
          target: this.target,
          signer: this.operator,
          finality: { by: 'auto', confirmations: 3 },
          timeoutMs: 5_000,
          ...options,
        }),
    );
    const { clock } = this;
    return new QuorumChain(nodes, { quorum: majorityOf(nodes.length), clock, logger, lateMs });
  }

  /** Any method of the node, anvil's own included. */
  async rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const answer = (await (await fetch(this.node.url, { method: 'POST', headers, body })).json()) as {
      result?: unknown;
      error?: { message: string };
    };
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  }

  /** Mines blocks, taking what is in the pool. */
  async mine(blocks = 1): Promise<void> {
    await this.rpc('anvil_mine', `0x${blocks.toString(16)}`);
  }

  /**
   * A node that mines each transaction at once answers before it has: this waits until it has, so that what a turn
   * sent is in a block when the turn ends. A transaction that the node cannot mine is waited for in vain, not for ever.
   */
  async #mined(): Promise<void> {
    if ((await this.rpc('anvil_getAutomine')) !== true) return;
    for (let i = 0; i < MOST_LOOKS; i++) {
      const { pending } = (await this.rpc('txpool_status')) as { pending: string };
      if (pending === '0x0') return;
    }
  }

  /** The cadence comes round: time passes and the anchorer has its turn. */
  async nextCadence(life: Life): Promise<void> {
    this.clock.advance(CADENCE_MS);
    await life.anchorer.tick();
  }

  /** What the contract holds, asked past the anchorer. */
  async contractSize(): Promise<number> {
    const chain = this.connect();
    try {
      return (await chain.head()).size;
    } finally {
      chain.close();
    }
  }

  /** Breaches of invariants by any life so far; a test ends with none. */
  violations(): string[] {
    return [...this.store.violations, ...this.#lives.flatMap((life) => life.chain.violations)];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.anchorer.close()));
    await this.node.stop();
  }
}

/** Messages of one level, in order. */
export function said(life: Life, level: keyof Logger): string[] {
  return life.logger.lines.filter((line) => line.level === level).map((line) => line.message);
}

function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex.slice(2).toLowerCase());
}

function collectEvents(events: string[]): AnchorMetrics {
  return {
    submitted: (size, kind) => void events.push(`submitted ${size} ${kind}`),
    anchored: (size) => void events.push(`anchored ${size}`),
    final: (size) => void events.push(`final ${size}`),
    setback: (kind) => void events.push(`setback ${kind}`),
    failed: (code) => void events.push(`failed ${code}`),
    chain: () => undefined,
    reachable: () => undefined,
  };
}
