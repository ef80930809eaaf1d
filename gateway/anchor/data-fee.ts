/**
 * What the OP Stack takes beside gas: a fee for a transaction's data on the chain below, from the balance of its sender
 * and whatever gas costs. It has no ceiling that a sender could set.
 */
import { Interface, Transaction, type TransactionLike } from 'ethers';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { AnswerError } from './answers.ts';
import type { AnchorCall, Chain } from './chain.ts';

/** The GasPriceOracle, which every chain of the OP Stack has here from its first block on. */
const GAS_PRICE_ORACLE = '0x420000000000000000000000000000000000000F';
const ABI = new Interface(['function getL1Fee(bytes unsigned) view returns (uint256)']);

/** Stand-ins of the usual length: the fee depends on how many bytes there are, hardly on which. */
const FIELDS: TransactionLike<string> = {
  type: 2,
  nonce: 100_000,
  gasLimit: 100_000n,
  maxFeePerGas: 10n ** 9n,
  maxPriorityFeePerGas: 10n ** 9n,
};

/** The `eth_call` that asks for the fee of a transaction; its signature is added by the oracle. */
export function dataFeeRequest(
  transaction: Pick<TransactionLike<string>, 'chainId' | 'to' | 'data'>,
): object {
  const { unsignedSerialized } = Transaction.from({ ...FIELDS, ...transaction });
  return { to: GAS_PRICE_ORACLE, data: ABI.encodeFunctionData('getL1Fee', [unsignedSerialized]) };
}

/** Wei. Nothing comes back from an address without code: then there is no such fee. */
export function readDataFee(answer: string): bigint {
  if (answer === '0x') return 0n;
  const [fee] = ABI.decodeFunctionResult('getL1Fee', answer);
  if (typeof fee !== 'bigint') throw new AnswerError('the data fee is no number');
  return fee;
}

/** An anchor of a log of this size with the longest proof that one can have there (RFC 9162 section 2.1.4). */
export function largestAnchor(size: number): AnchorCall {
  const length = size < 2 ? 0 : Math.ceil(Math.log2(size)) + 1;
  const [root = hashOf(0), ...consistencyProof] = Array.from({ length: 1 + length }, (_, at) => hashOf(at));
  return { size, root, consistencyProof };
}

/** What the next anchor will pay for its data at most, wei. A ceiling of 0 says that nothing is paid on this chain. */
export async function nextDataFee(
  chain: Pick<Chain, 'dataFee'>,
  ceiling: bigint,
  size: number,
): Promise<bigint> {
  return ceiling === 0n ? 0n : chain.dataFee(largestAnchor(size));
}

/** Any one: hashes cannot be compressed, and what can be is charged less. */
function hashOf(value: number): Uint8Array {
  return hashLeaf(Uint8Array.of(value));
}
