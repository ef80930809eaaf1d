/** What a signer is asked for, and the check that it signed that and nothing else. */
import { Transaction, type TransactionLike } from 'ethers';
import { hexToBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { GasOffer, SignedTransaction } from './chain.ts';

/** Signs transactions. An ethers Wallet is one; so is a signer in another process. */
export interface TransactionSigner {
  /** 0x hex with checksum. */
  readonly address: string;
  /** 0x hex of the signed transaction. Whoever asks checks it: see `signExactly`. */
  signTransaction(transaction: TransactionLike<string>): Promise<string>;
  /** Rejects what is under way. */
  close?(): void;
}

/** Type and prices of a transaction. */
export function pricing(offer: GasOffer): TransactionLike<string> {
  if (offer.type === 'legacy') return { type: 0, gasPrice: offer.maxFeePerGas };
  const { maxFeePerGas, maxPriorityFeePerGas } = offer;
  return { type: 2, maxFeePerGas, maxPriorityFeePerGas };
}

/**
 * Has a transaction signed. The answer is taken only if it is, byte for byte, what was asked for, in its one encoding,
 * under a signature of the signer's own address.
 * @throws GatewayError `signer-failed`.
 */
export async function signExactly(
  signer: TransactionSigner,
  wanted: TransactionLike<string>,
): Promise<SignedTransaction> {
  const answer = await signer.signTransaction(wanted);
  const signed = readTransaction(answer); // attacker-controlled
  const asked = Transaction.from(wanted);
  const difference = signed === undefined ? 'no transaction' : differenceOf(signed, asked, signer.address);
  if (signed === undefined || difference !== undefined) {
    throw new GatewayError(
      'signer-failed',
      `the signer of ${signer.address} was asked for an anchor and answered with ${difference}: nothing was sent; ` +
        'find out whose signer this is before it is used again',
    );
  }
  return { hash: hexToBytes(String(signed.hash).slice(2)), raw: hexToBytes(signed.serialized.slice(2)) };
}

function readTransaction(answer: string): Transaction | undefined {
  try {
    const transaction = Transaction.from(answer.toLowerCase());
    // One encoding only: the hash must be that of the bytes which are sent. And a signature that is one.
    const isWhole = transaction.serialized === answer.toLowerCase() && transaction.from !== null;
    return isWhole ? transaction : undefined;
  } catch {
    return undefined; // ethers quotes what it could not read
  }
}

const FIELDS = [
  'type',
  'chainId',
  'nonce',
  'to',
  'data',
  'value',
  'gasLimit',
  'gasPrice',
  'maxFeePerGas',
  'maxPriorityFeePerGas',
] as const;

/** What is wrong, in words; `undefined` when nothing is. */
function differenceOf(signed: Transaction, asked: Transaction, address: string): string | undefined {
  const changed = FIELDS.filter((field) => signed[field] !== asked[field]);
  if (changed.length > 0) return `another ${changed.join(', ')}`;
  if (signed.unsignedSerialized !== asked.unsignedSerialized) return 'additions to it';
  if (signed.from !== address) return 'the signature of another account';
  return undefined;
}
