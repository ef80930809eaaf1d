import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeStatement } from '../../src/statement.ts';
import { open } from '../crypto/vault.ts';
import { LogBench } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';
import { Keyring } from './keyring.ts';

const MASTER_KEY = new Uint8Array(32).fill(0x11);

let bench: LogBench;
let wearable: Wearable;

beforeEach(async () => {
  bench = new LogBench({ masterKey: MASTER_KEY });
  wearable = new Wearable(1);
  await bench.enrol(wearable);
});

afterEach(() => bench.close());

/** Hands a statement to the log as the intake would, past its limit of length. */
async function append(bytes: Uint8Array) {
  const statement = decodeStatement(bytes);
  const device = bench.registry.find(wearable.urn);
  if (statement.kind === 'reject' || device === undefined) throw new Error('no candidate');
  const [verdict] = await bench.append(device, statement.value);
  return verdict;
}

test('a long statement that stands against another is kept whole, so that its signature can be shown', async () => {
  const long = (fill: number) =>
    wearable.sign({ contentType: 'application/octet-stream', payload: new Uint8Array(100_000).fill(fill) });
  const [first, second] = [await long(1), await long(2)];
  expect(await append(first)).toMatchObject({ kind: 'accept' });
  expect(await append(second)).toMatchObject({ kind: 'reject', code: 'equivocation' });
  const [kept] = bench.log.quarantine.list(1);
  const key = new Keyring(MASTER_KEY, bench.log.registry).keyOf(kept?.owner ?? -1);
  expect(key && kept && open(key, kept.sealed, kept.entry)).toEqual(second);
});
