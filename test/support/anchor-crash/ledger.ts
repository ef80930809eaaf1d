/** What a chain holds of a log, asked of a node without anything in between. */
import { Interface } from 'ethers';
import { type Anvil, READING_LOG_ABI } from '../../../contracts/index.ts';
import { callChain } from '../site.ts';

const ABI = new Interface(READING_LOG_ABI);
const ANCHORED = ABI.getEvent('Anchored')?.topicHash ?? '';

/** A log and the account that anchors it. */
export interface LogOnChain {
  readonly contract: string;
  readonly logId: string;
  readonly operator: string;
}

/** An anchor on the canonical chain. */
export interface AnchoredEvent {
  readonly size: number;
  readonly block: number;
}

export class LogLedger {
  readonly log: LogOnChain;
  readonly #node: () => Pick<Anvil, 'url'>;

  constructor(log: LogOnChain, node: () => Pick<Anvil, 'url'>) {
    this.log = log;
    this.#node = node;
  }

  call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return callChain(this.#node(), method, [...params]);
  }

  async height(): Promise<number> {
    return Number(await this.call('eth_blockNumber'));
  }

  async finalHeight(): Promise<number> {
    const block = (await this.call('eth_getBlockByNumber', 'finalized', false)) as { number: string };
    return Number(block.number);
  }

  /** The block that a transaction is in. */
  async blockOf(transaction: string): Promise<number | undefined> {
    const receipt = (await this.call('eth_getTransactionReceipt', transaction)) as {
      blockNumber: string;
    } | null;
    return receipt === null ? undefined : Number(receipt.blockNumber);
  }

  async knows(transaction: string): Promise<boolean> {
    return (await this.call('eth_getTransactionByHash', transaction)) !== null;
  }

  /** Every anchor on the canonical chain, in order. */
  async anchored(): Promise<AnchoredEvent[]> {
    const filter = { address: this.log.contract, topics: [ANCHORED], fromBlock: '0x0', toBlock: 'latest' };
    const logs = (await this.call('eth_getLogs', filter)) as Parameters<typeof readAnchored>[0][];
    return logs.map(readAnchored);
  }

  /** The greatest size in a final block. */
  async finalSize(): Promise<number> {
    const final = await this.finalHeight();
    return (await this.anchored()).findLast(({ block }) => block <= final)?.size ?? 0;
  }

  /** Transactions of the account in blocks. */
  async transactions(): Promise<number> {
    return Number(await this.call('eth_getTransactionCount', this.log.operator, 'latest'));
  }
}

function readAnchored(log: {
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
}): AnchoredEvent {
  const event = ABI.parseLog(log);
  return { size: Number(event?.args.getValue('size')), block: Number(log.blockNumber) };
}
