/** Who owns and who operates a log: reading it, and handing either over in two steps. */
import { Contract, type Provider, type Signer } from 'ethers';
import { assertReadingLog } from './deploy.ts';
import { explainFailure } from './explain-failure.ts';
import {
  checkChain,
  INTERFACE,
  type MinedTransaction,
  mine,
  minedTransaction,
  type TransactionOptions,
} from './transaction.ts';

/** A log on a chain. 0x hex. */
export interface LogLocation {
  readonly contract: string;
  readonly logId: string;
}

/** What the contract says about a log. Addresses with checksum; the zero address where nobody is proposed. */
export interface LogState {
  readonly owner: string;
  readonly operator: string;
  readonly proposedOwner: string;
  readonly proposedOperator: string;
  /** Of the newest anchor; 0 and a zero root before the first. */
  readonly size: bigint;
  readonly root: string;
}

/** The owner proposes, and who is proposed accepts. */
export type RoleChange =
  | { readonly kind: 'proposeOperator' | 'proposeOwner'; readonly account: string }
  | { readonly kind: 'acceptOperator' | 'acceptOwner' };

/** For a signer that is not on this machine. */
export interface UnsignedTransaction {
  readonly to: string;
  readonly data: string;
  readonly chainId: number;
  readonly value: '0x0';
}

const GERUND = {
  proposeOperator: 'proposing the operator',
  proposeOwner: 'proposing the owner',
  acceptOperator: 'accepting the operator’s role',
  acceptOwner: 'accepting the owner’s role',
} as const satisfies Record<RoleChange['kind'], string>;

/**
 * Reads a log's roles and newest anchor. What a contract of another code says means nothing: `assertReadingLog` first.
 *
 * @throws ChainError `transaction-failed` with UnknownLog where nobody opened the log, `chain-unreachable`.
 */
export async function readLogState(provider: Provider, { contract, logId }: LogLocation): Promise<LogState> {
  const log = new Contract(contract, INTERFACE, provider);
  try {
    const [roles, head] = await Promise.all([
      log.getFunction('logOf').staticCall(logId),
      log.getFunction('head').staticCall(logId),
    ]);
    const { owner, operator, proposedOwner, proposedOperator } = roles;
    return { owner, operator, proposedOwner, proposedOperator, size: head.size, root: head.root };
  } catch (error) {
    throw explainFailure({ what: `reading the log ${logId}` }, error, INTERFACE);
  }
}

/**
 * Sends one step of a handover and waits until it stands. Who may not take it hears so before any gas is spent.
 *
 * @param signer The owner to propose, the proposed account to accept; must be connected to a provider.
 * @throws ChainError of any code but `node-*`.
 */
export async function changeRole(
  signer: Signer,
  log: LogLocation,
  change: RoleChange,
  options: TransactionOptions = {},
): Promise<MinedTransaction> {
  const provider = await checkChain(signer, options);
  await assertReadingLog(provider, log.contract);
  const attempt = { what: GERUND[change.kind], payer: await signer.getAddress() };
  const request = { to: log.contract, data: encode(log, change) };
  return minedTransaction(await mine(attempt, options, () => signer.sendTransaction(request)));
}

/** The same step for whoever holds the key elsewhere. Nonce and fee are the signer's to choose. */
export function unsignedRoleChange(
  log: LogLocation,
  change: RoleChange,
  chainId: number,
): UnsignedTransaction {
  return { to: log.contract, data: encode(log, change), chainId, value: '0x0' };
}

function encode({ logId }: LogLocation, change: RoleChange): string {
  return INTERFACE.encodeFunctionData(change.kind, 'account' in change ? [logId, change.account] : [logId]);
}
