/** The clinic's side: receives deliveries, checks everything by itself, stores exactly once, lists and shows. */
export {
  type ConfigProblem,
  loadProviderConfig,
  type ProviderConfig,
  ProviderConfigError,
} from './config.ts';
export { openInboxDatabase } from './database.ts';
export {
  Inbox,
  type InboxPage,
  type ProofState,
  type StoredEntry,
  type StoredRefusal,
  type StoreResult,
} from './inbox.ts';
export { type InitOptions, type InitResult, initProvider } from './init.ts';
export type { RefusalCode, Trust } from './judge.ts';
export { formatKey, generateProviderKeys, type ProviderKeys, parseKey } from './keys.ts';
export { createOpener, type Opener } from './open.ts';
export { Provider, type ProviderParts, startProvider } from './provider.ts';
export { describeEntry, type InboxItem, type Reading, readInbox } from './readings.ts';
export { type ChainChecker, checkAnchors, type ReceiptFault } from './receipts.ts';
export { Receiver, type ReceiverOptions, type Reply } from './receiver.ts';
export { type ProviderIo, type ProviderLogger, runProvider } from './run.ts';
