import { type Interface, isCallException, isError } from 'ethers';
import { ChainError } from './errors.ts';

/** What was being done when it failed. */
export interface Attempt {
  /** A gerund: "opening a log". */
  readonly what: string;
  /** The address that pays. */
  readonly payer?: string;
  /** Hash of the transaction, once it has left for the chain. */
  readonly sent?: string;
}

/**
 * Turns what ethers or the socket threw into the failure a person can act on.
 *
 * @param abi Names the contract's own errors.
 */
export function explainFailure(attempt: Attempt, error: unknown, abi: Interface): ChainError {
  const { what, payer, sent } = attempt;
  if (error instanceof ChainError) {
    return new ChainError(error.code, `${what}: ${error.message}`, error.cause);
  }
  if (isError(error, 'INSUFFICIENT_FUNDS')) {
    const message = `${what}: ${payer ?? 'the account'} cannot pay for it; send it ether`;
    return new ChainError('insufficient-funds', message, error);
  }
  if (isCallException(error)) {
    return new ChainError(
      'transaction-failed',
      `${what}: the chain refused it with ${reasonOf(error, abi)}`,
      error,
    );
  }
  if (isError(error, 'TRANSACTION_REPLACED')) {
    const message = `${what}: another transaction took its place, ${error.replacement.hash}`;
    return new ChainError('transaction-failed', message, error);
  }
  if (sent !== undefined) {
    const message = `${what}: transaction ${sent} was sent but is not known to be mined; look it up before trying again`;
    return new ChainError('transaction-pending', message, error);
  }
  if (isUnreachable(error)) {
    return new ChainError('chain-unreachable', `${what}: the chain does not answer; check its RPC`, error);
  }
  const message = error instanceof Error && 'shortMessage' in error ? String(error.shortMessage) : 'refused';
  return new ChainError('transaction-failed', `${what}: ${message}`, error);
}

function reasonOf(error: { data: string | null; reason: string | null }, abi: Interface): string {
  const custom = error.data === null ? null : abi.parseError(error.data);
  if (custom !== null) return `${custom.name}(${custom.args.map(String).join(', ')})`;
  return error.reason ?? 'no reason';
}

function isUnreachable(error: unknown): boolean {
  if (isError(error, 'NETWORK_ERROR') || isError(error, 'TIMEOUT') || isError(error, 'SERVER_ERROR'))
    return true;
  // Socket errors come through ethers as Node made them: ECONNREFUSED, ECONNRESET, EPIPE, ENOTFOUND, EAI_AGAIN ...
  return error instanceof Error && 'syscall' in error;
}
