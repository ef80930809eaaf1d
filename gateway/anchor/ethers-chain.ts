/** The chain as one node has it. Transactions and signatures are the work of ethers, the wire is rpc.ts. */
import { getAddress } from 'ethers';
import { hexToBytes } from '../../src/bytes.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import type { EventProof } from '../../src/receipt/event-proof.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorTarget } from '../ports.ts';
import { readBlock, readHex, readInteger, readQuantity, readReceipt } from './answers.ts';
import type {
  Account,
  AnchorCall,
  Block,
  ContractHead,
  GasOffer,
  Inclusion,
  LogIdentity,
  NodeView,
  SendResult,
  SignedTransaction,
} from './chain.ts';
import { dataFeeRequest, readDataFee } from './data-fee.ts';
import { LogContract, revertName, toHex } from './ethers-contract.ts';
import { BLOCK_ANSWER_MAX_BYTES, fetchEventProof } from './fetch-event-proof.ts';
import { ChainNode } from './node.ts';
import { readRefusal } from './refusals.ts';
import { RpcError } from './rpc.ts';
import { pricing, signExactly, type TransactionSigner } from './signing.ts';

/**
 * How to tell that a block is final. `finalized`: the chain's own tag. `confirmations`: so many blocks, its own
 * included. `auto`: the tag where the node knows it, otherwise confirmations; once the tag has been answered,
 * only the tag counts, so that a node cannot talk us into less.
 */
export interface FinalityRule {
  readonly by: 'auto' | 'finalized' | 'confirmations';
  /** At least 1. */
  readonly confirmations: number;
}

export interface EthersChainOptions {
  readonly rpcUrl: string;
  readonly target: AnchorTarget;
  readonly signer: TransactionSigner;
  readonly finality: FinalityRule;
  /** For each call to the node, and for all calls that one event proof takes together. */
  readonly timeoutMs: number;
}

/**
 * A node that asks for more than this for one anchor (83,600 measured) is wrong. On Nitro, which counts in gas what data
 * costs on the chain below, it is dear: some 500 times the price of gas, and better waited out. With the quarter on top
 * below the most that Ethereum takes of one transaction (EIP-7825).
 */
const MAX_GAS = 10_000_000n;

/** 1 gwei, for nodes that give no advice; the usual tip of a quiet main network. */
const DEFAULT_TIP = 1_000_000_000n;

/** See chain.ts for what each method promises. */
export class EthersChain implements NodeView {
  readonly target: AnchorTarget;
  readonly sender: Uint8Array;
  readonly #node: ChainNode;
  /** The same node, for answers as large as a block. */
  readonly #blocks: ChainNode;
  readonly #timeoutMs: number;
  readonly #log: LogContract;
  readonly #signer: TransactionSigner;
  readonly #finality: FinalityRule;
  #tagSeen = false;

  /** @throws RangeError for confirmations below 1; TypeError for a URL that is none. */
  constructor(options: EthersChainOptions) {
    if (!(options.finality.confirmations >= 1)) throw new RangeError('confirmations must be at least 1');
    this.target = options.target;
    this.#signer = options.signer;
    this.#finality = options.finality;
    const { rpcUrl: url, timeoutMs } = options;
    this.#node = new ChainNode({ url, timeoutMs });
    this.#timeoutMs = timeoutMs;
    this.#blocks = new ChainNode({ url, timeoutMs, maxAnswerBytes: BLOCK_ANSWER_MAX_BYTES });
    this.#log = new LogContract(options.target);
    this.sender = hexToBytes(options.signer.address.slice(2).toLowerCase());
  }

  get name(): string {
    return this.#node.name;
  }

  async identity(): Promise<LogIdentity> {
    const chainId = await this.#node.ask('eth_chainId', [], (answer) => readQuantity(answer, 'the chain id'));
    if (chainId !== this.target.chainId) return { kind: 'other-chain', chainId };
    const code = await this.#node.ask('eth_getCode', [this.#log.address, 'latest'], (answer) =>
      readHex(answer, 'the code'),
    );
    if (code === '0x') return { kind: 'no-contract' };
    const operator = await this.#operator();
    return operator === undefined ? { kind: 'unknown-log' } : { kind: 'open', operator };
  }

  async newestBlock(): Promise<Block> {
    return this.#existing(await this.#block('latest'), 'latest');
  }

  async finalBlock(): Promise<Block> {
    const tagged = this.#finality.by === 'confirmations' ? undefined : await this.#finalizedBlock();
    if (tagged !== undefined) return tagged;
    const newest = await this.newestBlock();
    const depth = BigInt(this.#finality.confirmations - 1);
    if (depth === 0n) return newest;
    const number = newest.number > depth ? newest.number - depth : 0n;
    return this.#existing(await this.blockAt(number), `block ${number}`);
  }

  blockAt(number: bigint): Promise<Block | undefined> {
    return this.#block(`0x${number.toString(16)}`);
  }

  head(): Promise<ContractHead> {
    const call = { to: this.#log.address, data: this.#log.viewData('head') };
    return this.#node.ask('eth_call', [call, 'latest'], (answer) =>
      this.#log.readHead(readHex(answer, 'head')),
    );
  }

  async account(): Promise<Account> {
    const address = this.#signer.address;
    const [nonce, balance] = await Promise.all([
      this.#node.ask('eth_getTransactionCount', [address, 'latest'], (answer) =>
        readInteger(answer, 'the nonce'),
      ),
      this.#node.ask('eth_getBalance', [address, 'latest'], (answer) => readQuantity(answer, 'the balance')),
    ]);
    return { nonce, balance };
  }

  async suggestedTip(): Promise<bigint> {
    try {
      return await this.#node.askOrRefuse('eth_maxPriorityFeePerGas', [], (answer) =>
        readQuantity(answer, 'the tip'),
      );
    } catch (error) {
      if (error instanceof RpcError) return DEFAULT_TIP;
      throw error;
    }
  }

  gasPrice(): Promise<bigint> {
    return this.#node.ask('eth_gasPrice', [], (answer) => readQuantity(answer, 'the gas price'));
  }

  async dataFee(call: AnchorCall): Promise<bigint> {
    const { chainId } = this.target;
    const to = getAddress(this.#log.address);
    const request = dataFeeRequest({ chainId, to, data: this.#log.anchorData(call) });
    try {
      return await this.#node.askOrRefuse('eth_call', [request, 'latest'], (answer) =>
        readDataFee(readHex(answer, 'the data fee')),
      );
    } catch (error) {
      // Whatever stands there, it is not the oracle of an OP Stack chain.
      if (error instanceof RpcError) return 0n;
      throw error;
    }
  }

  async estimateGas(call: AnchorCall): Promise<bigint> {
    const request = { from: this.#signer.address, to: this.#log.address, data: this.#log.anchorData(call) };
    let estimate: bigint;
    try {
      // At the newest block, not the pending one: there the transaction that this one replaces stands in its way.
      estimate = await this.#node.askOrRefuse('eth_estimateGas', [request, 'latest'], (answer) =>
        readQuantity(answer, 'the gas'),
      );
    } catch (error) {
      throw error instanceof RpcError ? refusedAnchor(error) : error;
    }
    if (estimate > MAX_GAS) {
      throw new GatewayError(
        'anchor-failed',
        `the node asks for ${estimate} gas for one anchor, which cannot be right`,
      );
    }
    // The tree and the chain's own state move between estimate and block; what is not used is not paid.
    return estimate + estimate / 4n;
  }

  async sign(call: AnchorCall, nonce: number, gasLimit: bigint, offer: GasOffer): Promise<SignedTransaction> {
    return signExactly(this.#signer, {
      chainId: this.target.chainId,
      to: getAddress(this.#log.address),
      data: this.#log.anchorData(call),
      value: 0n,
      nonce,
      gasLimit,
      ...pricing(offer),
    });
  }

  async send(raw: Uint8Array): Promise<SendResult> {
    try {
      // What the node answers does not matter: the hash was known before.
      await this.#node.askOrRefuse('eth_sendRawTransaction', [toHex(raw)], () => undefined);
      return { kind: 'accepted' };
    } catch (error) {
      if (error instanceof RpcError) return readRefusal(error.message);
      throw error;
    }
  }

  knows(transactionHash: Uint8Array): Promise<boolean> {
    const hash = toHex(transactionHash);
    return this.#node.ask('eth_getTransactionByHash', [hash], (answer) => answer != null);
  }

  async inclusion(transactionHash: Uint8Array): Promise<Inclusion | undefined> {
    const hash = toHex(transactionHash);
    return this.#node.ask('eth_getTransactionReceipt', [hash], (answer) => {
      const receipt = readReceipt(answer, transactionHash);
      if (receipt === undefined) return undefined;
      const { blockNumber, blockHash, gasUsed, succeeded } = receipt;
      const anchored = receipt.logs.flatMap((log) => this.#log.readAnchored(log));
      return { blockNumber, blockHash, gasUsed, succeeded, anchored };
    });
  }

  eventProof(anchor: Anchor): Promise<EventProof> {
    // A node that drips out receipt by receipt must not hold a look at the chain up for longer than one that is silent.
    return fetchEventProof(this.#blocks.within(this.#timeoutMs), anchor);
  }

  close(): void {
    this.#node.close();
    this.#signer.close?.();
    this.#blocks.close();
  }

  /** `undefined` when the contract does not know the log. */
  async #operator(): Promise<Uint8Array | undefined> {
    const call = { to: this.#log.address, data: this.#log.viewData('logOf') };
    try {
      return await this.#node.askOrRefuse('eth_call', [call, 'latest'], (answer) =>
        this.#log.readOperator(readHex(answer, 'logOf')),
      );
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (revertName(error.data) === 'UnknownLog') return undefined;
      throw this.#node.refused('eth_call', error);
    }
  }

  async #finalizedBlock(): Promise<Block | undefined> {
    const mayLack = this.#finality.by === 'auto' && !this.#tagSeen;
    try {
      const block = await this.#node.askOrRefuse('eth_getBlockByNumber', ['finalized', false], readBlock);
      if (block === undefined && mayLack) return undefined;
      this.#tagSeen ||= block !== undefined;
      return this.#existing(block, 'finalized');
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (mayLack) return undefined;
      throw this.#node.refused('to say which block is final', error);
    }
  }

  #block(tag: string): Promise<Block | undefined> {
    return this.#node.ask('eth_getBlockByNumber', [tag, false], readBlock);
  }

  #existing(block: Block | undefined, what: string): Block {
    if (block === undefined) throw this.#node.unreachable(`has no block for ${what}`);
    return block;
  }
}

function refusedAnchor(error: RpcError): GatewayError {
  const why = revertName(error.data) ?? error.message;
  return new GatewayError('anchor-failed', `the contract would refuse the checkpoint: ${why}`, {
    details: { why },
  });
}
