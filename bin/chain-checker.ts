/** The clinic's own look at the chain: whether an anchor its gateway named stands there, in the contract and log it expects. */
import { readFileSync } from 'node:fs';
import type { ChainChecker } from '../provider/index.ts';
import { equalBytes, hexToBytes } from '../src/bytes.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import type { AnchorFact, LogContract } from '../src/receipt/trust.ts';
import { type Lookup, lookUp } from './chain-facts.ts';
import { UsageError } from './cli.ts';

/** Where a log anchors, from its gateway-public.json. Throws UsageError when the file does not say. */
export function readLogContract(file: string): LogContract {
  let raw: { chainId?: unknown; contract?: unknown; logId?: unknown };
  try {
    raw = JSON.parse(readFileSync(file, 'utf8')) as typeof raw;
  } catch (error) {
    throw new UsageError(`--gateway: cannot read ${file}: ${(error as Error).message}`);
  }
  const { chainId, contract, logId } = raw;
  const isComplete =
    Number.isSafeInteger(chainId) &&
    /^0x[0-9a-fA-F]{40}$/.test(String(contract)) &&
    /^0x[0-9a-fA-F]{64}$/.test(String(logId));
  if (!isComplete) {
    throw new UsageError(
      `--gateway: ${file} does not say where the log anchors; vitalseal contract deploy adds chainId, contract and logId`,
    );
  }
  return {
    chainId: BigInt(chainId as number),
    address: hexToBytes(String(contract).slice(2).toLowerCase()),
    logId: hexToBytes(String(logId).slice(2).toLowerCase()),
  };
}

/** Asks one endpoint, which the clinic chose. An endpoint that is away, or a block not final yet, means `unknown`. */
export class RpcChainChecker implements ChainChecker {
  readonly #expected: LogContract;
  readonly #lookup: Lookup;

  constructor(expected: LogContract, lookup: Lookup) {
    this.#expected = expected;
    this.#lookup = lookup;
  }

  async checkAnchor(anchor: Anchor): Promise<'anchored' | 'contradicted' | 'unknown'> {
    const { chainId, address, logId } = this.#expected;
    if (
      anchor.chainId !== chainId ||
      !equalBytes(anchor.contract, address) ||
      !equalBytes(anchor.logId, logId)
    )
      return 'contradicted';
    const { facts } = await lookUp({ anchors: [anchor], beacons: [] }, this.#lookup);
    const { anchors, missing } = facts;
    const [fact] = anchors;
    if (fact === undefined) return missing !== undefined && missing.length > 0 ? 'contradicted' : 'unknown';
    if (!fact.final) return 'unknown';
    return agrees(fact, anchor) ? 'anchored' : 'contradicted';
  }
}

function agrees(fact: AnchorFact, anchor: Anchor): boolean {
  return (
    equalBytes(fact.root, anchor.root) &&
    equalBytes(fact.blockHash, anchor.blockHash) &&
    equalBytes(fact.transactionHash, anchor.transactionHash) &&
    fact.blockNumber === anchor.blockNumber &&
    fact.blockTime === anchor.blockTime
  );
}
