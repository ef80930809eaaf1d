/** A ReadingLog on an anvil of the test's own, and the few calls every test makes on it. */
import { Contract, type HDNodeWallet, Interface, isCallException, type JsonRpcProvider } from 'ethers';
import { hashNode } from '../../src/merkle/hash.ts';
import { proveConsistency } from '../../src/merkle/proof.ts';
import { type NodeReader, rangeRoot } from '../../src/merkle/shape.ts';
import { anvilAccount, startAnvil } from '../anvil.ts';
import { connectChain } from '../connect.ts';
import { deployReadingLog, openLog } from '../deploy.ts';
import { READING_LOG_ABI } from '../generated/reading-log.ts';

export const INTERFACE = new Interface(READING_LOG_ABI);

/** The parties of every test; each is an account with ether and a provider. */
export interface TestLog {
  readonly provider: JsonRpcProvider;
  readonly address: string;
  readonly owner: HDNodeWallet;
  readonly operator: HDNodeWallet;
  readonly stranger: HDNodeWallet;
  /** Opens another log of `owner` for `operator`; gives its id. */
  open(): Promise<string>;
  /** The contract as `who` calls it. */
  as(who: HDNodeWallet): Contract;
  close(): Promise<void>;
}

export async function deployTestLog(): Promise<TestLog> {
  const anvil = await startAnvil();
  const provider = await connectChain(anvil.url);
  const [owner, operator, stranger] = [0, 1, 2].map((index) => anvilAccount(index).connect(provider)) as [
    HDNodeWallet,
    HDNodeWallet,
    HDNodeWallet,
  ];
  const { address } = await deployReadingLog(owner);
  let opened = 0;
  return {
    provider,
    address,
    owner,
    operator,
    stranger,
    open: async () => {
      opened += 1;
      const terms = { operator: operator.address, logKeyHash: numberedHash(opened) };
      return (await openLog(owner, address, terms)).logId;
    },
    as: (who) => new Contract(address, INTERFACE, who),
    close: async () => {
      provider.destroy();
      await anvil.stop();
    },
  };
}

/** 32 bytes, 0x hex, that differ for each number. */
export function numberedHash(number: number): string {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

/** Sends a transaction, waits until it is mined and gives its events: name first, then the values. */
export async function mined(
  contract: Contract,
  method: string,
  ...args: readonly unknown[]
): Promise<unknown[][]> {
  const transaction = await contract.getFunction(method).send(...args);
  const receipt = await transaction.wait();
  return (receipt?.logs ?? []).map(({ topics, data }) => {
    const event = INTERFACE.parseLog({ topics, data });
    return [event?.name, ...(event?.args ?? [])];
  });
}

/** What the contract would answer: 'done', or the custom error with its values. Nothing is sent. */
export async function answer(
  contract: Contract,
  method: string,
  ...args: readonly unknown[]
): Promise<string> {
  try {
    await contract.getFunction(method).staticCall(...args);
    return 'done';
  } catch (error) {
    if (!isCallException(error) || error.data === null) throw error;
    const refusal = INTERFACE.parseError(error.data);
    return refusal === null ? error.data : `${refusal.name}(${refusal.args.map(String).join(', ')})`;
  }
}

/** The three arguments of `anchor` after the log id. */
export type AnchorArguments = [size: number, root: Uint8Array, proof: Uint8Array[]];

/** What an honest operator sends to grow a log over the tree `read`. */
export function honestAnchor(read: NodeReader, from: number, to: number): AnchorArguments {
  return [to, rangeRoot(read, 0, to, hashNode), proveConsistency(read, from, to)];
}
