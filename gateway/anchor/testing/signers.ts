/**
 * Two signers that take and refuse what their documentation and sources say the real ones do: web3signer (`eth1`, its
 * JSON-RPC API) and clef (its external API, `account_signTransaction` since version 2.0.0, without `--advanced`).
 */
import {
  type BaseWallet,
  getAddress,
  Interface,
  id,
  isAddress,
  Transaction,
  type TransactionLike,
} from 'ethers';

export interface SignerReply {
  readonly status: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** One call, answered. */
export type DocumentedSigner = (method: string, params: unknown) => Promise<SignerReply>;

type Fields = Readonly<Record<string, unknown>>;

class Refusal extends Error {
  readonly code: number;
  readonly status: number;

  constructor(code: number, message: string, status = 200) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Signs for the chain of its own `--chain-id`, whatever chain the request names. */
export function web3signer(wallet: BaseWallet, chainId: number): DocumentedSigner {
  const invalid = new Refusal(-32602, 'Invalid params', 400);
  return answering('eth_signTransaction', async (params) => {
    const list = Array.isArray(params) ? params : [params];
    if (list.length !== 1 || typeof list[0] !== 'object' || list[0] === null) throw invalid;
    const fields = list[0] as Fields;
    if (fields['nonce'] === undefined || typeof fields['from'] !== 'string') throw invalid;
    const wanted = readTransaction(fields, chainId, fields['data'] ?? fields['input'], invalid);
    assertAccount(fields, wallet, 'No unlocked account matches the Sender');
    return wallet.signTransaction(wanted);
  });
}

/** What the person, or the rules, in front of clef say to a transaction. */
export type Approval = (transaction: Transaction) => boolean;

/** Warnings are refusals: it signs no call unless it is told, and can decode, the function that is called. */
export function clef(wallet: BaseWallet, chainId: number, approve: Approval = () => true): DocumentedSigner {
  const invalid = new Refusal(-32602, 'invalid argument 0: json: cannot unmarshal');
  return answering('account_signTransaction', async (params) => {
    const [argument, selector, ...rest] = Array.isArray(params) ? params : [];
    if (rest.length > 0) throw new Refusal(-32602, 'too many arguments, want at most 2');
    const fields = argument as Fields;
    const wanted = readTransaction(fields, chainId, fields['input'] ?? fields['data'], invalid);
    const warnings = warningsOf(fields, selector);
    if (warnings.length > 0) throw new Refusal(-32000, `validation failed: ${warnings.join(',')}`);
    const asked = readQuantity(fields['chainId'], invalid);
    if (asked !== undefined && asked !== BigInt(chainId))
      throw new Refusal(-32000, `requested chainid ${asked} does not match the configuration of the signer`);
    if (!approve(Transaction.from(wanted))) throw new Refusal(-32000, 'request denied');
    assertAccount(fields, wallet, 'unknown account');
    const raw = await wallet.signTransaction(wanted);
    return { raw, tx: { ...Transaction.from(raw).toJSON(), input: wanted.data } };
  });
}

function readTransaction(
  fields: Fields,
  chainId: number,
  data: unknown,
  invalid: Refusal,
): TransactionLike<string> {
  const quantity = (name: string): bigint | undefined => readQuantity(fields[name], invalid);
  const [fee, tip] = [quantity('maxFeePerGas'), quantity('maxPriorityFeePerGas')];
  const isEip1559 = fee !== undefined && tip !== undefined;
  return {
    ...(isEip1559
      ? { type: 2, maxFeePerGas: fee, maxPriorityFeePerGas: tip }
      : { type: 0, gasPrice: quantity('gasPrice') ?? 0n }),
    chainId,
    nonce: Number(quantity('nonce') ?? 0n),
    to: String(fields['to']),
    value: quantity('value') ?? 0n,
    gasLimit: quantity('gas') ?? 0n,
    data: String(data ?? '0x'),
  };
}

function assertAccount(fields: Fields, wallet: BaseWallet, refusal: string): void {
  const isOurs = String(fields['from']).toLowerCase() === wallet.address.toLowerCase();
  if (!isOurs) throw new Refusal(-32000, refusal);
}

/** What clef would show to a person before it lets them go on in spite of it. */
function warningsOf(fields: Fields, selector: unknown): string[] {
  const to = String(fields['to']);
  const data = String(fields['input'] ?? fields['data']);
  const has = (name: string): boolean => fields[name] !== undefined;
  return [
    ...(isAddress(to) && getAddress(to) === to ? [] : ['Invalid checksum on recipient address']),
    ...(has('gasPrice') === has('maxFeePerGas')
      ? ["Both or neither of 'gasPrice' and 'maxFeePerGas' specified."]
      : []),
    ...(has('maxFeePerGas') === has('maxPriorityFeePerGas') ? [] : ["No 'maxPriorityFeePerGas' specified."]),
    ...callWarnings(data, selector),
  ];
}

function callWarnings(data: string, selector: unknown): string[] {
  const unknown = `signature ${data.slice(2, 10)} not found`;
  if (typeof selector !== 'string')
    return [`Transaction contains data, but the ABI signature could not be found: ${unknown}`];
  const abi = new Interface([`function ${selector}`]);
  const isThat = id(selector).startsWith(data.slice(0, 10));
  const decoded = isThat ? abi.decodeFunctionData(selector, data) : undefined;
  const isWhole = decoded !== undefined && abi.encodeFunctionData(selector, [...decoded]) === data;
  return isWhole ? [] : ['Transaction contains data, but provided ABI signature could not be matched'];
}

/** Both refuse leading zeros and anything but hex. */
function readQuantity(value: unknown, refusal: Refusal): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^0x(?:0|[1-9a-f][0-9a-f]*)$/i.test(value)) throw refusal;
  return BigInt(value);
}

function answering(known: string, answer: (params: unknown) => Promise<unknown>): DocumentedSigner {
  return async (method, params) => {
    try {
      if (method !== known) throw new Refusal(-32601, `the method ${method} does not exist/is not available`);
      return { status: 200, result: await answer(params) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, error: { code: error.code, message: error.message } };
    }
  };
}
