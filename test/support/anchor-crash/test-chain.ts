/** The chain of one installation: a real node that mines when it is told to, and one way to it, on which a hand may be. */
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Anvil, startAnvil } from '../../../contracts/index.ts';
import { NodeProxy } from '../../../contracts/testing/node-proxy.ts';
import { callChain } from '../site.ts';
import { LogLedger, type LogOnChain } from './ledger.ts';

/** From one block to the next: a few in each cadence. */
const BEAT_MS = 200;
/** More than any chain here has blocks. */
const STATES_IN_MEMORY = 100_000;

interface Holder {
  node: Anvil;
}

export class TestChain extends LogLedger {
  readonly proxy: NodeProxy;
  /** Anvil calls a block final when twice as many stand on it. */
  readonly slotsInAnEpoch: number;
  /** Its state when it began. */
  readonly opened: unknown;
  /** Blocks mined with each beat; with 0 the chain stands still. */
  pace = 1;
  /** Of every block to come, in wei; without it the chain's own rule holds. */
  baseFee: bigint | undefined;
  /** Asked before each beat: what must not be buried yet holds the chain up. */
  mayMine: () => Promise<boolean> = async () => true;
  readonly #holder: Holder;
  readonly #beating: Promise<void>;
  #turns: Promise<unknown> = Promise.resolve();
  #stopped = false;

  private constructor(
    log: LogOnChain,
    opened: unknown,
    slotsInAnEpoch: number,
    holder: Holder,
    proxy: NodeProxy,
  ) {
    super(log, () => holder.node);
    this.opened = opened;
    this.proxy = proxy;
    this.slotsInAnEpoch = slotsInAnEpoch;
    this.#holder = holder;
    this.#beating = this.#beat();
  }

  /** @param state of a chain, as `state` gives it */
  static async start(log: LogOnChain, state: unknown, slotsInAnEpoch: number): Promise<TestChain> {
    const holder = { node: await startNode(state, slotsInAnEpoch) };
    const proxy = await NodeProxy.start(() => holder.node.url);
    const chain = new TestChain(log, state, slotsInAnEpoch, holder, proxy);
    // From here on everything can be undone that is not final.
    await chain.alone(() => chain.mine(2 * slotsInAnEpoch + 1));
    return chain;
  }

  /** Does something between two beats. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turns.then(work);
    this.#turns = done.catch(() => undefined);
    return done;
  }

  async mine(blocks: number): Promise<void> {
    if (blocks > 0) await this.call('anvil_mine', `0x${blocks.toString(16)}`);
  }

  /** All that the node holds, its pool aside. */
  state(): Promise<unknown> {
    return this.call('anvil_dumpState');
  }

  freeze(): void {
    process.kill(this.#holder.node.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#holder.node.pid, 'SIGCONT');
  }

  async kill(): Promise<void> {
    process.kill(this.#holder.node.pid, 'SIGKILL');
    await this.#holder.node.exited;
  }

  /** A new node at another port, behind the same proxy. */
  async restart(state: unknown): Promise<void> {
    this.#holder.node = await startNode(state, this.slotsInAnEpoch);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#holder.node.stop();
    await this.#beating;
    await this.proxy.stop();
  }

  async #beat(): Promise<void> {
    while (!this.#stopped) {
      await delay(BEAT_MS);
      // A node that is away mines nothing.
      await this.alone(() => this.#mineNext()).catch(() => undefined);
    }
  }

  async #mineNext(): Promise<void> {
    if (this.#stopped || this.pace === 0 || !(await this.mayMine())) return;
    if (this.baseFee !== undefined)
      await this.call('anvil_setNextBlockBaseFeePerGas', `0x${this.baseFee.toString(16)}`);
    await this.mine(this.pace);
  }
}

async function startNode(state: unknown, slotsInAnEpoch: number): Promise<Anvil> {
  const node = await startAnvil({ slotsInAnEpoch, statesInMemory: STATES_IN_MEMORY });
  await callChain(node, 'evm_setAutomine', [false]);
  await callChain(node, 'anvil_loadState', [state]);
  return node;
}
