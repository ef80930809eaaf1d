/** The chain's share of a check: asked first, compared last, and left out when the node does not answer. */
import type { PublicKey } from '../../src/cose/key.ts';
import { LATE_MS, reasonOf } from '../anchor/quorum/member.ts';
import { Quorum } from '../anchor/quorum/quorum.ts';
import { majorityOf } from '../anchor/quorum/votes.ts';
import type { GatewayConfig } from '../config-schema.ts';
import { GatewayError } from '../errors.ts';
import type { ChainHead, LogChain } from './chain.ts';
import { checkAnchorsOnChain, checkHead, readHead } from './chain-check.ts';
import { EthersLogChain } from './chain-ethers.ts';
import { QuorumLogChain } from './chain-quorum.ts';
import type { FsckContext } from './context.ts';
import type { Findings } from './findings.ts';
import type { FsckReport } from './report.ts';

/** A node that takes longer is treated as not there. */
const RPC_TIMEOUT_MS = 10_000;

type ChainConfig = NonNullable<GatewayConfig['chain']>;

export class ChainPart {
  readonly #config: ChainConfig | undefined;
  readonly #chain: LogChain | undefined;
  readonly #findings: Findings;
  #state: FsckReport['chain'];
  #detail: string | undefined;
  #head: ChainHead | undefined;

  constructor(config: GatewayConfig, chain: LogChain | false | undefined, findings: Findings) {
    this.#config = config.chain;
    this.#findings = findings;
    if (config.chain === undefined) this.#state = 'not-configured';
    else if (chain === false) this.#state = 'skipped';
    else {
      this.#state = 'checked';
      this.#chain = chain ?? connectLogChain(config.chain);
    }
  }

  /** The contract's head as it was before the store was looked at; undefined when it is not known. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  async begin(logKey: PublicKey): Promise<void> {
    await this.#ask(async (chain, config) => {
      this.#head = await readHead(chain, config, logKey, this.#findings);
    });
  }

  /** `computed`: the root the stored entries have at the head's size. */
  async finish(context: FsckContext, computed: Uint8Array | undefined): Promise<void> {
    const head = this.#head;
    if (head === undefined) return;
    checkHead(context, head, computed);
    await this.#ask((chain, config) => checkAnchorsOnChain(context, chain, config));
  }

  outcome(): Pick<FsckReport, 'chain' | 'chainDetail'> {
    return { chain: this.#state, ...(this.#detail === undefined ? {} : { chainDetail: this.#detail }) };
  }

  close(): void {
    this.#chain?.close();
  }

  async #ask(work: (chain: LogChain, config: ChainConfig) => Promise<void>): Promise<void> {
    if (this.#chain === undefined || this.#config === undefined || this.#state !== 'checked') return;
    try {
      await work(this.#chain, this.#config);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'chain-unreachable') throw error;
      this.#state = 'unreachable';
      // The rest of that sentence is about what a running gateway does meanwhile.
      this.#detail = reasonOf(error);
    }
  }
}

function connectLogChain({ rpcUrls, quorum, contract, logId }: ChainConfig): LogChain {
  const nodes = rpcUrls.map(
    (rpcUrl) => new EthersLogChain({ rpcUrl, contract, logId, timeoutMs: RPC_TIMEOUT_MS }),
  );
  const clock = { now: () => Date.now() };
  return new QuorumLogChain(
    new Quorum(nodes, quorum ?? majorityOf(nodes.length), { clock, lateMs: LATE_MS }),
  );
}
