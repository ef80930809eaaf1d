/** The checker's chain as several nodes have it together: what it says counts when a quorum of nodes says the same. */

import type { Quorum } from '../anchor/quorum/quorum.ts';
import { alike } from '../anchor/quorum/votes.ts';
import type { ChainHead, ChainTransaction, LogChain } from './chain.ts';
import type { EthersLogChain } from './chain-ethers.ts';

/** See chain.ts for what each method promises. */
export class QuorumLogChain implements LogChain {
  readonly #nodes: Quorum<EthersLogChain>;

  /** Takes the nodes over: `close` closes them. */
  constructor(nodes: Quorum<EthersLogChain>) {
    this.#nodes = nodes;
  }

  chainId(): Promise<bigint> {
    return this.#ask('the chain id', (node) => node.chainId());
  }

  contract(): Promise<'reading-log' | 'none' | 'other'> {
    return this.#ask("the contract's code", (node) => node.contract());
  }

  logKeyHash(): Promise<Uint8Array | undefined> {
    return this.#ask('the hash of the log key', (node) => node.logKeyHash());
  }

  head(): Promise<ChainHead> {
    return this.#ask("the contract's head", (node) => node.head());
  }

  rootAt(size: number): Promise<Uint8Array | undefined> {
    return this.#ask('an anchored root', (node) => node.rootAt(size));
  }

  blockHash(number: bigint): Promise<Uint8Array | undefined> {
    return this.#ask('a block by its height', (node) => node.blockHash(number));
  }

  transaction(hash: Uint8Array): Promise<ChainTransaction | undefined> {
    return this.#ask('a transaction receipt', (node) => node.transaction(hash));
  }

  close(): void {
    this.#nodes.close();
  }

  #ask<T>(about: string, ask: (node: EthersLogChain) => Promise<T>): Promise<T> {
    return this.#nodes.poll<T, T>({ about, ask, show: () => 'otherwise' }, alike(this.#nodes.size));
  }
}
