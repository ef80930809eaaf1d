/** The public entry of the contracts: what a TypeScript program needs to deploy, call and read a ReadingLog. */

export { type Anvil, type AnvilOptions, anvilAccount, startAnvil } from './anvil.ts';
export { type ChainOptions, connectChain } from './connect.ts';
export {
  assertReadingLog,
  type DeployedContract,
  deployReadingLog,
  type LogTerms,
  type OpenedLog,
  openLog,
} from './deploy.ts';
export { ChainError, type ChainErrorCode } from './errors.ts';
export { READING_LOG_ABI, READING_LOG_BYTECODE, READING_LOG_CODE_HASH } from './generated/reading-log.ts';
export {
  changeRole,
  type LogLocation,
  type LogState,
  type RoleChange,
  readLogState,
  type UnsignedTransaction,
  unsignedRoleChange,
} from './roles.ts';
export type { MinedTransaction, TransactionOptions } from './transaction.ts';
