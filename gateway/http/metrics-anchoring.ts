/** The metrics of anchors and of the chain. */
import { Counter, Gauge, type Registry } from 'prom-client';

const WEI_PER_ETHER = 1e18;

/** The outcomes that an anchor transaction can have, so that each is a series from the start. */
const OUTCOMES = [
  ...['submitted', 'replacement', 'resent', 'anchored', 'final'],
  ...['reorganised', 'reverted', 'replaced', 'other-target'],
];
const STATES = ['recorded', 'submitted', 'anchored', 'final'] as const;
type State = (typeof STATES)[number];

/** How far the log has come: the largest size that reached each state, and when (ms). */
export interface AnchorFigures extends Readonly<Record<State, number>> {
  readonly reachedAt: Readonly<Partial<Record<State, number>>>;
}

/** What a look at the chain showed. */
export interface ChainFigures {
  readonly newestBlock: bigint;
  /** By the block itself, seconds since the Unix epoch. */
  readonly newestBlockTime: number;
  readonly finalBlock: bigint;
  /** Wei. */
  readonly balance: bigint;
  readonly anchorsLeft: number;
}

/** What there is to count at one node of the chain. */
export interface ChainNodeFigures {
  readonly name: string;
  readonly state: string;
  readonly blocksBehind?: number;
  readonly failures: number;
  readonly disagreements: number;
}

export class AnchoringMetrics {
  readonly #registry: Registry;
  readonly #anchors: Counter;
  readonly #gas: Counter;
  readonly #failures: Counter;
  readonly #reachable: Gauge;
  readonly #newestBlockTime: Gauge;
  readonly #newestBlock: Gauge;
  readonly #finalBlock: Gauge;
  readonly #balance: Gauge;
  readonly #anchorsLeft: Gauge;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#anchors = this.#counter(
      'vitalseal_anchors_total',
      'Anchor transactions, by what became of them; reorganised: one lost its block',
      ['outcome'],
    );
    for (const outcome of OUTCOMES) this.#anchors.inc({ outcome }, 0);
    this.#gas = this.#counter('vitalseal_anchor_gas_total', 'Gas used by anchor transactions', []);
    this.#failures = this.#counter('vitalseal_anchor_failures_total', 'Failed looks at the chain, by code', [
      'code',
    ]);
    this.#reachable = this.#gauge('vitalseal_chain_reachable', '1 while the chain answers', []);
    this.#newestBlockTime = this.#gauge(
      'vitalseal_chain_newest_block_timestamp_seconds',
      'Time of the newest block seen, as the block has it',
      [],
    );
    this.#newestBlock = this.#gauge(
      'vitalseal_chain_newest_block',
      'Height of the newest block; absent while the chain does not answer',
      [],
    );
    this.#finalBlock = this.#gauge(
      'vitalseal_chain_final_block',
      'Height of the newest final block; absent while the chain does not answer',
      [],
    );
    this.#balance = this.#gauge(
      'vitalseal_chain_balance_ether',
      'Balance of the account that pays for anchors; absent while the chain does not answer',
      [],
    );
    this.#anchorsLeft = this.#gauge(
      'vitalseal_chain_anchors_left',
      'Anchors that the balance pays for at their present cost; +Inf where gas is free; absent while the chain does not answer',
      [],
    );
    this.#newestBlockTime.remove();
    this.forgetChain();
  }

  anchor(outcome: string, gasUsed?: bigint): void {
    this.#anchors.inc({ outcome });
    if (gasUsed !== undefined) this.#gas.inc(Number(gasUsed));
  }

  failure(code: string): void {
    this.#failures.inc({ code });
  }

  reachable(is: boolean): void {
    this.#reachable.set(is ? 1 : 0);
  }

  chain(view: ChainFigures): void {
    this.#newestBlockTime.set(view.newestBlockTime);
    this.#newestBlock.set(Number(view.newestBlock));
    this.#finalBlock.set(Number(view.finalBlock));
    this.#balance.set(Number(view.balance) / WEI_PER_ETHER);
    this.#anchorsLeft.set(view.anchorsLeft);
  }

  /** Nothing is known of the chain now: old values must not pass for new ones. A time shows its age by itself. */
  forgetChain(): void {
    for (const gauge of [this.#newestBlock, this.#finalBlock, this.#balance, this.#anchorsLeft])
      gauge.remove();
  }

  /** How far the log has come, read whenever metrics are asked for. */
  watchProgress(read: () => Promise<AnchorFigures>): void {
    const entries = this.#gauge(
      'vitalseal_anchor_entries',
      'Log entries that have reached the state: recorded, submitted, anchored, final',
      ['state'],
      async () => {
        const figures = await read();
        for (const state of STATES) entries.set({ state }, figures[state]);
      },
    );
    const times = this.#gauge(
      'vitalseal_anchor_timestamp_seconds',
      'When the largest checkpoint of the state reached it; absent until one did',
      ['state'],
      async () => {
        const { reachedAt } = await read();
        times.reset();
        for (const state of STATES) {
          const at = reachedAt[state];
          if (at !== undefined) times.set({ state }, at / 1000);
        }
      },
    );
  }

  /** What the nodes of the chain are like, read whenever metrics are asked for. */
  watchNodes(read: () => readonly ChainNodeFigures[]): void {
    // Registered first, so that it is asked first; it fills in the others.
    const healthy = this.#gauge(
      'vitalseal_chain_node_healthy',
      '1 while the node answers, agrees with the others and keeps up with them',
      ['node'],
      async () => {
        failures.reset();
        disagreements.reset();
        for (const { name: node, ...figures } of read()) {
          healthy.set({ node }, figures.state === 'ok' ? 1 : 0);
          behind.set({ node }, figures.blocksBehind ?? 0);
          failures.inc({ node }, figures.failures);
          disagreements.inc({ node }, figures.disagreements);
        }
      },
    );
    const behind = this.#gauge(
      'vitalseal_chain_node_behind_blocks',
      'Blocks that the node is behind what a quorum of nodes has',
      ['node'],
    );
    const failures = this.#counter(
      'vitalseal_chain_node_failures_total',
      'Times that the node stopped answering, or asked to be asked less',
      ['node'],
    );
    const disagreements = this.#counter(
      'vitalseal_chain_node_disagreements_total',
      'Answers of the node that a quorum of the others contradicted',
      ['node'],
    );
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[], collect?: () => Promise<void>): Gauge {
    const base = { name, help, labelNames, registers: [this.#registry] };
    return new Gauge({ ...base, ...(collect === undefined ? {} : { collect }) });
  }
}
