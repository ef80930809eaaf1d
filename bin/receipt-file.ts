/** The file of a receipt or pack, and what stands in it before anything is checked. */
import { readFileSync } from 'node:fs';
import type { ChainQuestions } from '../src/receipt/verify.ts';
import { argument, UsageError } from './cli.ts';

const LONGEST_FILE_BYTES = 64 * 1024 * 1024;

/** @throws UsageError when it cannot be read or is too large. */
export function readReceiptFile(positionals: readonly string[]): Uint8Array {
  const file = argument(positionals);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  if (bytes.length > LONGEST_FILE_BYTES) throw new UsageError(`${file} is too large for a receipt`);
  return Uint8Array.from(bytes);
}

/** A receipt is a tagged COSE_Sign1, a pack a map. */
export function isPack(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0xa0;
}

/** A block whose hash would do in place of an endpoint. A beacon does not name its chain. */
export interface NeededBlock {
  readonly purpose: 'anchor' | 'beacon';
  readonly chainId?: bigint;
  readonly blockNumber: bigint;
}

/** The blocks of anchors that carry the proof of their event, and of beacons; each once. */
export function neededBlocks({ anchors, beacons }: ChainQuestions): NeededBlock[] {
  const needed = new Map<string, NeededBlock>();
  for (const { chainId, blockNumber, eventProof } of anchors)
    if (eventProof !== undefined)
      needed.set(`${chainId}:${blockNumber}`, { purpose: 'anchor', chainId, blockNumber });
  for (const { blockNumber } of beacons)
    needed.set(`beacon:${blockNumber}`, { purpose: 'beacon', blockNumber });
  return [...needed.values()];
}
