/** One transaction from sending to its block: what deploying, opening and changing a log have in common. */
import {
  Interface,
  type Provider,
  type Signer,
  type TransactionReceipt,
  type TransactionResponse,
} from 'ethers';
import { ChainError } from './errors.ts';
import { type Attempt, explainFailure } from './explain-failure.ts';
import { READING_LOG_ABI } from './generated/reading-log.ts';

/** A few blocks of a slow chain. A transaction is not lost after it, see `transaction-pending`. */
const DEFAULT_TIMEOUT_MS = 180_000;

export const INTERFACE = new Interface(READING_LOG_ABI);

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

/** The provider of a signer, once it has answered that it is the chain that is meant. */
export async function checkChain(signer: Signer, options: TransactionOptions): Promise<Provider> {
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

/** Sends a transaction and waits for its block. Throws ChainError. */
export async function mine(
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

export function minedTransaction(receipt: TransactionReceipt): MinedTransaction {
  return {
    transactionHash: receipt.hash,
    blockNumber: BigInt(receipt.blockNumber),
    gasUsed: receipt.gasUsed,
  };
}
