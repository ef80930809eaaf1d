/** The promise of an acknowledgement, checked from outside: what a device believes against what followers of the log see. */
import { expect } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { hashEntry } from '../../src/statement.ts';
import type { Sender } from './sender.ts';
import type { Site } from './site.ts';
import { until } from './wait.ts';

/** The log entry of a statement, in hex. */
export function entryOf(statement: Uint8Array): string {
  return bytesToHex(hashEntry(statement));
}

/**
 * Expects everything acknowledged to be in the log once, and no statement at all to be in it twice.
 *
 * @param promised for each sender, sequence numbers whose acknowledgement came before now; by default all so far
 */
export async function expectEachOnce(
  site: Site,
  senders: readonly Sender[],
  promised: readonly (readonly number[])[] = senders.map(({ acknowledged }) => [...acknowledged]),
): Promise<void> {
  const { log } = await site.status();
  const entries = await until('checkpoint over everything', async () => {
    const sealed = await site.sealedEntries();
    return sealed.length >= log.size && sealed;
  });
  const held = new Set(entries);
  expect(held.size).toBe(entries.length);
  const missing = senders.flatMap(({ urn, statements }, at) =>
    (promised[at] ?? [])
      .filter((seq) => !held.has(entryOf(statements[seq] ?? new Uint8Array())))
      .map((seq) => `${urn} ${seq}`),
  );
  expect(missing).toEqual([]);
}
