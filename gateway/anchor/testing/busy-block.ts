/** Blocks with many transactions of every type on a real node, and among them one that anchors. */
import { Contract, ContractFactory, type HDNodeWallet, id, type JsonRpcProvider } from 'ethers';
import { anvilAccount } from '../../../contracts/anvil.ts';
import { connectChain, READING_LOG_ABI, READING_LOG_BYTECODE } from '../../../contracts/index.ts';
import { hexToBytes } from '../../../src/bytes.ts';
import type { Anchor } from '../../../src/receipt/anchor.ts';

const TRANSFER_GAS = 30_000n;
const CALL_GAS = 200_000n;
const PRICE = 10n ** 11n;

export class BusyChain {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  readonly #operator: HDNodeWallet;
  readonly #address: string;
  readonly #logId: string;

  private constructor(provider: JsonRpcProvider, url: string, address: string, logId: string) {
    this.provider = provider;
    this.url = url;
    this.#operator = anvilAccount(0).connect(provider);
    this.#address = address;
    this.#logId = logId;
  }

  /** Deploys the contract and opens a log for account 0. From then on nothing is mined but by the methods here. */
  static async open(url: string): Promise<BusyChain> {
    const provider = await connectChain(url);
    const operator = anvilAccount(0).connect(provider);
    const deployed = await new ContractFactory(READING_LOG_ABI, READING_LOG_BYTECODE, operator).deploy();
    const contract = new Contract(await deployed.getAddress(), READING_LOG_ABI, operator);
    await (await contract.getFunction('open')(operator.address, id('log key'))).wait();
    const logId: string = await contract.getFunction('logIdOf')(operator.address, id('log key'));
    await provider.send('evm_setAutomine', [false]);
    return new BusyChain(provider, url, await deployed.getAddress(), logId);
  }

  get contract(): Uint8Array {
    return hexToBytes(this.#address.slice(2).toLowerCase());
  }

  get logId(): Uint8Array {
    return hexToBytes(this.#logId.slice(2));
  }

  /** Mines one block of so many plain transfers; returns its number. */
  async mineTransfers(count: number): Promise<number> {
    const { address } = anvilAccount(2);
    const first = await this.provider.getTransactionCount(address);
    const fields = { from: address, to: address, value: '0x1', gas: '0x5208', gasPrice: toHex(PRICE) };
    const calls = Array.from({ length: count }, (_, at) => ({
      ...{ jsonrpc: '2.0', id: at, method: 'eth_sendTransaction' },
      params: [{ ...fields, nonce: toHex(first + at) }],
    }));
    const headers = { 'content-type': 'application/json' };
    await (await fetch(this.url, { method: 'POST', headers, body: JSON.stringify(calls) })).json();
    await this.mine();
    return this.provider.getBlockNumber();
  }

  /** Anchors a first state of the log in a block with `others` transactions of all types, failed ones and creations among them. */
  async anchor(size: number, root: Uint8Array, others: number): Promise<Anchor> {
    for (let at = 0; at < others / 2; at++) await this.#sendOther(at);
    const contract = new Contract(this.#address, READING_LOG_ABI, this.#operator);
    const sent = await contract.getFunction('anchor').send(this.#logId, size, root, [], {
      ...{ gasLimit: CALL_GAS, maxFeePerGas: PRICE, maxPriorityFeePerGas: PRICE / 2n },
    });
    for (let at = Math.ceil(others / 2); at < others; at++) await this.#sendOther(at);
    await this.mine();
    const receipt = await sent.wait();
    const block = await this.provider.getBlock(receipt?.blockNumber ?? 0);
    if (receipt?.status !== 1 || block?.hash == null) throw new Error('the anchor was not mined');
    const { chainId } = await this.provider.getNetwork();
    return {
      ...{ chainId, contract: this.contract, logId: this.logId, size, root },
      transactionHash: hexToBytes(sent.hash.slice(2)),
      blockNumber: BigInt(block.number),
      blockHash: hexToBytes(block.hash.slice(2)),
      blockTime: block.timestamp,
    };
  }

  async mine(blocks = 1): Promise<void> {
    await this.provider.send('anvil_mine', [toHex(blocks)]);
  }

  close(): void {
    this.provider.destroy();
  }

  async #sendOther(at: number): Promise<void> {
    const wallet = anvilAccount(1 + (at % 8)).connect(this.provider);
    const nonce = await this.provider.getTransactionCount(wallet.address, 'pending');
    const fees = { maxFeePerGas: PRICE, maxPriorityFeePerGas: 1n };
    const transfer = { nonce, to: wallet.address, value: 1n, gasLimit: TRANSFER_GAS };
    const accessList = [{ address: this.#address, storageKeys: [id('slot')] }];
    const kinds = [
      { ...transfer, type: 0, gasPrice: PRICE },
      { ...transfer, type: 1, gasPrice: PRICE, accessList },
      { ...transfer, type: 2, ...fees },
      // Not a method of the contract: it fails, and stands in the block all the same.
      { nonce, type: 2, to: this.#address, data: '0x12345678', gasLimit: CALL_GAS, ...fees },
      // A contract without code: all that creating one needs, and cheap enough for a block of many.
      { nonce, type: 2, data: '0x00', gasLimit: CALL_GAS, ...fees },
    ];
    await wallet.sendTransaction(kinds[at % kinds.length] as (typeof kinds)[number]);
  }
}

function toHex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
