import {
  type BytesLike,
  Contract,
  ContractFactory,
  hexlify,
  isHexString,
  keccak256,
  type Provider,
  type Signer,
} from 'ethers';
import { ChainError } from './errors.ts';
import { explainFailure } from './explain-failure.ts';
import { READING_LOG_BYTECODE, READING_LOG_CODE_HASH } from './generated/reading-log.ts';
import {
  checkChain,
  INTERFACE,
  type MinedTransaction,
  mine,
  minedTransaction,
  type TransactionOptions,
} from './transaction.ts';

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
