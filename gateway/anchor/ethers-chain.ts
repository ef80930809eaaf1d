/** The chain through ethers: ABI, transactions and signatures are its work, the wire is rpc.ts. */
import { getAddress, Interface, type Result, Transaction, type TransactionLike } from 'ethers';
import { READING_LOG_ABI } from '../../contracts/index.ts';
import { bytesToHex, hexToBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorTarget, GasFee } from '../ports.ts';
import {
  AnswerError,
  type EventLog,
  readBlock,
  readBytes,
  readHex,
  readInteger,
  readQuantity,
  readReceipt,
} from './answers.ts';
import type {
  Account,
  AnchorCall,
  Block,
  Chain,
  ContractHead,
  Inclusion,
  SendResult,
  SignedTransaction,
} from './chain.ts';
import { RpcClient, RpcError } from './rpc.ts';

/**
 * How to tell that a block is final. `finalized`: the chain's own tag. `confirmations`: so many blocks, its own
 * included. `auto`: the tag where the node knows it, otherwise confirmations; once the tag has been answered,
 * only the tag counts, so that a node cannot talk us into less.
 */
export interface FinalityRule {
  readonly by: 'auto' | 'finalized' | 'confirmations';
  readonly confirmations: number;
}

/** Signs transactions. An ethers Wallet is one; so may be a signer in another process. */
export interface TransactionSigner {
  /** 0x hex with checksum. */
  readonly address: string;
  signTransaction(transaction: TransactionLike<string>): Promise<string>;
}

export interface EthersChainOptions {
  readonly rpcUrl: string;
  readonly target: AnchorTarget;
  readonly signer: TransactionSigner;
  readonly finality: FinalityRule;
  readonly timeoutMs: number;
}

/** A node that asks for more than this for one anchor (82,000 measured) is wrong; layer-2 surcharges fit below. */
const MAX_GAS = 10_000_000n;

/** 1 gwei, for nodes that give no advice; the usual tip of a quiet main network. */
const DEFAULT_TIP = 1_000_000_000n;

const CONTRACT = new Interface(READING_LOG_ABI);

/** See chain.ts for what each method promises. */
export class EthersChain implements Chain {
  readonly target: AnchorTarget;
  readonly sender: Uint8Array;
  readonly #rpc: RpcClient;
  readonly #signer: TransactionSigner;
  readonly #finality: FinalityRule;
  readonly #contract: string;
  readonly #logId: string;
  #tagSeen = false;

  constructor(options: EthersChainOptions) {
    this.target = options.target;
    this.#signer = options.signer;
    this.#finality = options.finality;
    this.#rpc = new RpcClient({ url: options.rpcUrl, timeoutMs: options.timeoutMs });
    this.#contract = toHex(options.target.contract);
    this.#logId = toHex(options.target.logId);
    this.sender = hexToBytes(options.signer.address.slice(2).toLowerCase());
  }

  async check(): Promise<void> {
    await this.#checkChainId();
    await this.#checkCode();
    await this.#checkOperator();
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

  async head(): Promise<ContractHead> {
    const [size, root] = await this.#view('head', [this.#logId]);
    return this.#read('head', () => ({ size: toSize(size), root: readBytes(root, 32, 'the root') }));
  }

  async account(): Promise<Account> {
    const address = this.#signer.address;
    const [nonce, balance] = await Promise.all([
      this.#call('eth_getTransactionCount', [address, 'latest'], (value) => readInteger(value, 'the nonce')),
      this.#call('eth_getBalance', [address, 'latest'], (value) => readQuantity(value, 'the balance')),
    ]);
    return { nonce, balance };
  }

  async suggestedTip(): Promise<bigint> {
    try {
      return await this.#ask('eth_maxPriorityFeePerGas', [], (value) => readQuantity(value, 'the tip'));
    } catch (error) {
      if (error instanceof RpcError) return DEFAULT_TIP;
      throw error;
    }
  }

  async estimateGas(call: AnchorCall): Promise<bigint> {
    // At the newest block, not the pending one: there the transaction that this one replaces would stand in its way.
    const request = { from: this.#signer.address, to: this.#contract, data: this.#calldata(call) };
    const estimate = await this.#ask('eth_estimateGas', [request, 'latest'], (value) =>
      readQuantity(value, 'the gas'),
    ).catch((error: unknown) => {
      throw error instanceof RpcError ? refusedAnchor(error) : error;
    });
    if (estimate > MAX_GAS) {
      throw new GatewayError(
        'anchor-failed',
        `the node asks for ${estimate} gas for one anchor, which cannot be right`,
      );
    }
    // The tree and the chain's own state move between estimate and block; what is not used is not paid.
    return estimate + estimate / 4n;
  }

  async sign(call: AnchorCall, nonce: number, gasLimit: bigint, fee: GasFee): Promise<SignedTransaction> {
    const signed = await this.#signer.signTransaction({
      type: 2,
      chainId: this.target.chainId,
      to: getAddress(this.#contract),
      data: this.#calldata(call),
      value: 0n,
      nonce,
      gasLimit,
      maxFeePerGas: fee.maxFeePerGas,
      maxPriorityFeePerGas: fee.maxPriorityFeePerGas,
    });
    const { hash, from, serialized } = Transaction.from(signed);
    if (hash === null || from !== getAddress(this.#signer.address)) {
      throw new GatewayError(
        'anchor-failed',
        'the signer returned a transaction that is not signed by its own address',
      );
    }
    return { hash: hexToBytes(hash.slice(2)), raw: hexToBytes(serialized.slice(2)) };
  }

  async send(raw: Uint8Array): Promise<SendResult> {
    try {
      await this.#rpc.call('eth_sendRawTransaction', [toHex(raw)]);
      return { kind: 'accepted' };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return sendRefusal(error);
    }
  }

  knows(transactionHash: Uint8Array): Promise<boolean> {
    return this.#call(
      'eth_getTransactionByHash',
      [toHex(transactionHash)],
      (value) => value !== null && value !== undefined,
    );
  }

  async inclusion(transactionHash: Uint8Array): Promise<Inclusion | undefined> {
    const hash = toHex(transactionHash);
    const receipt = await this.#call('eth_getTransactionReceipt', [hash], readReceipt);
    if (receipt === undefined) return undefined;
    if (toHex(receipt.transactionHash) !== hash)
      throw this.#rpc.unreachable('answered with the receipt of another transaction');
    const { blockNumber, blockHash, gasUsed, succeeded } = receipt;
    const anchored = this.#read('a receipt', () => receipt.logs.flatMap((log) => this.#anchoredEvent(log)));
    return { blockNumber, blockHash, gasUsed, succeeded, anchored };
  }

  close(): void {
    this.#rpc.close();
  }

  async #checkChainId(): Promise<void> {
    const chainId = await this.#call('eth_chainId', [], (value) => readQuantity(value, 'the chain id'));
    if (chainId === this.target.chainId) return;
    throw new GatewayError(
      'chain-mismatch',
      `the node at ${this.#rpc.name} is on chain ${chainId}, this gateway is configured for chain ${this.target.chainId}: ` +
        'correct the RPC URL or the chain id',
      { fatal: true },
    );
  }

  async #checkCode(): Promise<void> {
    const code = await this.#call('eth_getCode', [this.#contract, 'latest'], (value) =>
      readHex(value, 'the code'),
    );
    if (code !== '0x') return;
    throw new GatewayError(
      'chain-mismatch',
      `there is no contract at ${getAddress(this.#contract)} on chain ${this.target.chainId}: ` +
        'deploy it or correct the contract address; a node that is still syncing says so too',
    );
  }

  async #checkOperator(): Promise<void> {
    const operator = await this.#operator();
    if (operator === undefined) {
      throw new GatewayError(
        'chain-mismatch',
        `the log ${this.#logId} was never opened in ${getAddress(this.#contract)}: open it or correct the log id`,
      );
    }
    if (operator === getAddress(this.#signer.address)) return;
    throw new GatewayError(
      'chain-mismatch',
      `the operator of log ${this.#logId} is ${operator}, this gateway's key is ${this.#signer.address}: ` +
        'use the key of the operator, or let the owner of the log make this key its operator',
    );
  }

  /** `undefined` when the contract does not know the log. */
  async #operator(): Promise<string | undefined> {
    try {
      const result = await this.#askView('logOf', [this.#logId]);
      return this.#read('logOf', () => {
        const operator = toHex(readBytes(result.getValue('operator'), 20, 'the operator'));
        return /^0x0*$/.test(operator) ? undefined : getAddress(operator);
      });
    } catch (error) {
      if (error instanceof RpcError && revertName(error) === 'UnknownLog') return undefined;
      throw error;
    }
  }

  async #finalizedBlock(): Promise<Block | undefined> {
    const mayLack = this.#finality.by === 'auto' && !this.#tagSeen;
    try {
      const block = await this.#ask('eth_getBlockByNumber', ['finalized', false], readBlock);
      if (block === undefined && mayLack) return undefined;
      this.#tagSeen = block !== undefined;
      return this.#existing(block, 'finalized');
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (mayLack) return undefined;
      throw this.#rpc.unreachable(`refused to say which block is final: ${error.message}`);
    }
  }

  #block(tag: string): Promise<Block | undefined> {
    return this.#call('eth_getBlockByNumber', [tag, false], readBlock);
  }

  #existing(block: Block | undefined, what: string): Block {
    if (block === undefined) throw this.#rpc.unreachable(`has no block for ${what}`);
    return block;
  }

  /** Calls a view of the contract at the newest block; the decoded values are still unchecked. */
  async #view(name: string, args: readonly unknown[]): Promise<Result> {
    return this.#heard(name, this.#askView(name, args));
  }

  async #askView(name: string, args: readonly unknown[]): Promise<Result> {
    const data = CONTRACT.encodeFunctionData(name, args);
    const result = await this.#ask('eth_call', [{ to: this.#contract, data }, 'latest'], (value) =>
      readHex(value, name),
    );
    return this.#read(name, () => CONTRACT.decodeFunctionResult(name, result));
  }

  #anchoredEvent(log: EventLog): ContractHead[] {
    if (toHex(log.address) !== this.#contract) return [];
    const event = CONTRACT.parseLog({ topics: log.topics, data: log.data });
    if (event?.name !== 'Anchored' || event.args['logId'] !== this.#logId) return [];
    return [{ size: toSize(event.args['size']), root: readBytes(event.args['root'], 32, 'the root') }];
  }

  #calldata(call: AnchorCall): string {
    return CONTRACT.encodeFunctionData('anchor', [
      this.#logId,
      call.size,
      call.root,
      [...call.consistencyProof],
    ]);
  }

  /** One call whose refusal means nothing to us but that the node is of no use now. */
  #call<T>(method: string, params: readonly unknown[], read: (value: unknown) => T): Promise<T> {
    return this.#heard(method, this.#ask(method, params, read));
  }

  /** One call; rejects with RpcError when the node refuses it. */
  async #ask<T>(method: string, params: readonly unknown[], read: (value: unknown) => T): Promise<T> {
    const result = await this.#rpc.call(method, params);
    return this.#read(method, () => read(result));
  }

  async #heard<T>(what: string, asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof RpcError) throw this.#rpc.unreachable(`refused ${what}: ${error.message}`);
      throw error;
    }
  }

  /** Runs a reader over an answer; what it cannot read counts as no answer. */
  #read<T>(what: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      const reason = cause instanceof AnswerError ? cause.message : 'it cannot be decoded';
      throw this.#rpc.unreachable(`gave an unusable answer to ${what}: ${reason}`);
    }
  }
}

function toHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

function toSize(value: unknown): number {
  if (typeof value !== 'bigint' || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new AnswerError('the size is no safe integer');
  return Number(value);
}

/** The name of the contract's custom error, if the node handed its data through. */
function revertName(error: RpcError): string | undefined {
  const data = typeof error.data === 'string' ? error.data : undefined;
  if (data === undefined || !/^0x(?:[0-9a-f]{2}){4,}$/i.test(data)) return undefined;
  try {
    return CONTRACT.parseError(data)?.name;
  } catch {
    return undefined;
  }
}

function refusedAnchor(error: RpcError): GatewayError {
  const why = revertName(error) ?? error.message;
  return new GatewayError('anchor-failed', `the contract would refuse the checkpoint: ${why}`, {
    details: { why },
  });
}

/** Nodes agree on no codes for these, only more or less on the words (geth, Nethermind, Besu, Erigon, anvil). */
function sendRefusal(error: RpcError): SendResult {
  const detail = error.message;
  if (/already (known|imported)|known transaction|AlreadyKnown/i.test(detail)) return { kind: 'accepted' };
  if (/nonce.*(too low|already)|OldNonce|lower than the (current|account) nonce/i.test(detail)) {
    return { kind: 'refused', reason: 'nonce-used', detail };
  }
  if (/underpriced|less than block base fee|fee.*too low|FeeTooLow|base fee|gas price below/i.test(detail)) {
    return { kind: 'refused', reason: 'underpriced', detail };
  }
  return { kind: 'refused', reason: 'other', detail };
}
