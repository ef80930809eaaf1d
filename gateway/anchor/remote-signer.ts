/**
 * A signer in another process that speaks JSON-RPC: web3signer and nodes take `eth_signTransaction`, clef
 * `account_signTransaction`. What it answers is not believed; signing.ts compares it with what was asked for.
 */
import { getAddress, type TransactionLike, toQuantity } from 'ethers';
import { GatewayError } from '../errors.ts';
import { ANCHOR_SIGNATURE } from './ethers-contract.ts';
import { isObject, RpcClient, RpcError } from './rpc.ts';
import type { TransactionSigner } from './signing.ts';

export interface RemoteSignerOptions {
  /** http or https. Credentials in it are sent as basic authentication and never shown. */
  readonly url: string;
  /** 0x hex. */
  readonly address: string;
  readonly method: 'eth_signTransaction' | 'account_signTransaction';
  readonly timeoutMs: number;
}

/** Rejects with GatewayError `signer-failed` when the signer is away, refuses, or answers in no known form. */
export class RemoteSigner implements TransactionSigner {
  readonly address: string;
  readonly #method: string;
  readonly #rpc: SignerClient;

  constructor(options: RemoteSignerOptions) {
    this.address = getAddress(options.address.toLowerCase());
    this.#method = options.method;
    this.#rpc = new SignerClient(options);
  }

  async signTransaction(transaction: TransactionLike<string>): Promise<string> {
    const answer = await this.#ask(toRequest(transaction, this.address));
    // web3signer answers with the bytes, geth and clef with the bytes and what they mean.
    const raw = isObject(answer) ? answer['raw'] : answer; // attacker-controlled
    if (typeof raw === 'string' && /^0x(?:[0-9a-f]{2})+$/i.test(raw)) return raw;
    throw this.#rpc.unreachable(`answered ${this.#method} with something that is not a signed transaction`);
  }

  close(): void {
    this.#rpc.close();
  }

  /** Clef signs no call whose meaning it cannot find out, unless it is told the function; web3signer takes one parameter. */
  get #isClef(): boolean {
    return this.#method === 'account_signTransaction';
  }

  async #ask(request: object): Promise<unknown> {
    try {
      return await this.#rpc.call(this.#method, this.#isClef ? [request, ANCHOR_SIGNATURE] : [request]);
    } catch (error) {
      throw error instanceof RpcError ? this.#rpc.unreachable(`refused to sign: ${error.message}`) : error;
    }
  }
}

/** The same wire as to a node; what goes wrong on it is the signer's failure, not the chain's. */
class SignerClient extends RpcClient {
  override unreachable(what: string): GatewayError {
    const message = `the signer at ${this.name} ${what}; it is asked again, readings are taken meanwhile`;
    return new GatewayError('signer-failed', message, { details: { signer: this.name } });
  }
}

/** The fields that geth, clef and web3signer read; those they do not know they pass over. */
function toRequest(transaction: TransactionLike<string>, from: string): object {
  const { type, chainId, to, data, nonce, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas } =
    transaction;
  const prices = type === 0 ? { gasPrice } : { maxFeePerGas, maxPriorityFeePerGas };
  const quantities = { chainId, nonce, gas: gasLimit, value: transaction.value, ...prices };
  const hex = Object.entries(quantities).map(([name, value]) => [name, toQuantity(value ?? 0)]);
  return { from, to, data, ...Object.fromEntries(hex) };
}
