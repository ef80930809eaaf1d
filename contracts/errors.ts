/** Failures met while starting, reaching or using a chain, as opposed to misuse (a TypeError or RangeError). */
export type ChainErrorCode =
  | 'chain-unreachable'
  | 'chain-mismatch'
  | 'contract-mismatch'
  | 'insufficient-funds'
  | 'transaction-failed'
  | 'transaction-pending'
  | 'node-missing'
  | 'node-failed';

/**
 * One failure: what happened, to what, and what to do, in the message.
 *
 * `chain-unreachable` and `transaction-pending` may heal by themselves; the others need a person. Messages never hold
 * the path, the query or the credentials of an RPC URL, because providers put their API keys there.
 */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly code: ChainErrorCode;

  constructor(code: ChainErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
