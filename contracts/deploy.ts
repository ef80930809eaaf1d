import {
  type BytesLike,
  Contract,
  ContractFactory,
  hexlify,
  Interface,
  isHexString,
  keccak256,
  type Provider,
  type Signer,
  type TransactionReceipt,
  type TransactionResponse,
} from 'ethers';
import { ChainError } from './errors.ts';
import { type Attempt, explainFailure } from './explain-failure.ts';
import { READING_LOG_ABI, READING_LOG_BYTECODE, READING_LOG_CODE_HASH } from './generated/reading-log.ts';

/** A few blocks of a slow chain. A transaction is not lost after it, see `transaction-pending`. */
const DEFAULT_TIMEOUT_MS = 180_000;

const INTERFACE = new Interface(READING_LOG_ABI);

export interface TransactionOptions {
  /** The chain the caller means; another one is refused before anything is sent. */
  readonly chainId?: bigint;
  /** Blocks to wait for, the transaction's own included. Default 1. */
  readonly confirmations?: number;
  /** How long to wait for the chain, in milliseconds. Default 180,000. */
  readonly timeoutMs?: number;
}

/** A transaction that is on the chain. Hashes, ids and addresses are 0x hex, addresses with checksum. */
export interface MinedTransaction {
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
}

export interface DeployedContract extends MinedTransaction {
  readonly address: string;
}

export interface OpenedLog extends MinedTransaction {
  readonly logId: string;
}

export interface LogTerms {
  /** Who may anchor: an address. May be the signer's own. */
  readonly operator: string;
  /** RFC 9679 SHA-256 thumbprint of the log's signing key: 32 bytes. */
  readonly logKeyHash: BytesLike;
}

/**
 * Deploys a ReadingLog and waits until it stands. The deployer keeps no right over it, so one contract serves any
 * number of gateways.
 *
 * @param signer Pays; must be connected to a provider.
 * @throws ChainError of any code but `node-*`.
 */
export async function deployReadingLog(
  signer: Signer,
  options: TransactionOptions = {},
): Promise<DeployedContract> {
  const provider = await checkChain(signer, options);
  const factory = new ContractFactory(INTERFACE, READING_LOG_BYTECODE, signer);
  const receipt = await mine(
    { what: 'deploying ReadingLog', payer: await signer.getAddress() },
    options,
    async () => {
      return signer.sendTransaction(await factory.getDeployTransaction());
    },
  );
  const address = receipt.contractAddress;
  if (address === null) throw new ChainError('transaction-failed', 'the deployment created no contract');
  await assertReadingLog(provider, address);
  return { address, ...minedTransaction(receipt) };
}

/**
 * Opens a log owned by `signer` and waits until it is open. A second log for the same key is `transaction-failed`
 * with AlreadyOpen, before any gas is spent.
 *
 * @param signer The owner; must be connected to a provider. Needed again only to change operator or owner.
 * @param address The ReadingLog.
 * @throws ChainError of any code but `node-*`.
 */
export async function openLog(
  signer: Signer,
  address: string,
  terms: LogTerms,
  options: TransactionOptions = {},
): Promise<OpenedLog> {
  if (!isHexString(hexlify(terms.logKeyHash), 32)) throw new TypeError('logKeyHash must be 32 bytes');
  const provider = await checkChain(signer, options);
  await assertReadingLog(provider, address);
  const contract = new Contract(address, INTERFACE, signer);
  const receipt = await mine({ what: 'opening a log', payer: await signer.getAddress() }, options, () =>
    contract.getFunction('open').send(terms.operator, terms.logKeyHash),
  );
  const opened = receipt.logs.map((log) => INTERFACE.parseLog(log)).find((event) => event?.name === 'Opened');
  if (opened == null) throw new ChainError('transaction-failed', 'the transaction opened no log');
  return { logId: String(opened.args['logId']), ...minedTransaction(receipt) };
}

/**
 * Checks that the code at an address is exactly ReadingLog's, so that what it says about a log can be relied on.
 *
 * @throws ChainError `contract-mismatch`, `chain-unreachable`.
 */
export async function assertReadingLog(provider: Provider, address: string): Promise<void> {
  const code = await provider.getCode(address).catch((error: unknown) => {
    throw explainFailure({ what: `reading the code at ${address}` }, error, INTERFACE);
  });
  if (keccak256(code) === READING_LOG_CODE_HASH) return;
  const found = code === '0x' ? 'no contract' : 'another contract';
  throw new ChainError(
    'contract-mismatch',
    `there is ${found} at ${address}, not the ReadingLog of this version: check the address and the chain`,
  );
}

async function checkChain(signer: Signer, options: TransactionOptions): Promise<Provider> {
  const { provider } = signer;
  if (provider === null) throw new TypeError('signer must be connected to a provider');
  const { chainId } = await withinTime(provider.getNetwork(), options).catch((error: unknown) => {
    throw explainFailure({ what: 'asking for the chain id' }, error, INTERFACE);
  });
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw new ChainError(
      'chain-mismatch',
      `the chain has id ${chainId}, not ${options.chainId}: nothing was sent; check the RPC URL and the chain id`,
    );
  }
  return provider;
}

/** ethers retries an unreachable node for ever; this gives up on it. */
async function withinTime<T>(work: Promise<T>, options: TransactionOptions): Promise<T> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    const late = (): void => reject(new ChainError('chain-unreachable', `no answer within ${timeoutMs} ms`));
    timer = setTimeout(late, timeoutMs);
  });
  return Promise.race([work, overdue]).finally(() => clearTimeout(timer));
}

async function mine(
  attempt: Attempt,
  options: TransactionOptions,
  send: () => Promise<TransactionResponse>,
): Promise<TransactionReceipt> {
  const transaction = await withinTime(send(), options).catch((error: unknown) => {
    throw explainFailure(attempt, error, INTERFACE);
  });
  try {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const receipt = await transaction.wait(options.confirmations ?? 1, timeoutMs);
    if (receipt !== null) return receipt;
  } catch (error) {
    throw explainFailure({ ...attempt, sent: transaction.hash }, error, INTERFACE);
  }
  throw new RangeError('confirmations must be at least 1');
}

function minedTransaction(receipt: TransactionReceipt): MinedTransaction {
  return {
    transactionHash: receipt.hash,
    blockNumber: BigInt(receipt.blockNumber),
    gasUsed: receipt.gasUsed,
  };
}
