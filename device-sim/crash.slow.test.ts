import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex } from '../src/bytes.ts';
import { decodeStatement, hashEntry, type Statement } from '../src/statement.ts';
import { Device } from './device.ts';
import { createRandom } from './random.ts';
import { acknowledgedBy } from './state/device-store.ts';
import { TestBroker } from './testing/broker.ts';

const CHILD = fileURLToPath(new URL('./testing/crash-child.ts', import.meta.url));
const ROUNDS = 8;

let folder: string;
let broker: TestBroker;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crash-'));
  broker = await TestBroker.start();
});

afterEach(async () => {
  await broker.stop();
  await rm(folder, { recursive: true });
});

/** Runs a device until it has recorded `count` statements, or the broker has heard as many; then a little longer. */
async function runAndKill(count: number, extraMs: number, isOnline: boolean): Promise<void> {
  const child = spawn(process.execPath, [CHILD, folder, ...(isOnline ? [broker.url] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  // The moment of death is meant to be any moment, also in the middle of a write.
  const kill = () => setTimeout(() => child.kill('SIGKILL'), extraMs);
  const heard = broker.received.length;
  if (isOnline) void broker.until((received) => received.length >= heard + count).then(kill);
  let recorded = 0;
  for await (const _line of createInterface({ input: child.stdout })) {
    recorded += 1;
    if (!isOnline && recorded === count) kill();
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}

describe('kill -9 at random moments', () => {
  it('costs no number, no link of the chain and no acknowledged statement', async () => {
    const seed = `${Date.now()}`;
    const random = createRandom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const isOnline = random.next() < 0.7;
      await runAndKill(1 + random.integer(200), random.next() * 15, isOnline);
    }
    const device = await Device.open({ folder, fresh: () => expect.fail('the identity was lost') });
    expect(device.boot, `seed ${seed}`).toBe(0);
    device.connect({ url: broker.url });
    await device.drained();
    const statements = bySeq(broker);
    expect(
      [...statements.keys()].sort((a, b) => a - b),
      `seed ${seed}`,
    ).toEqual(Array.from({ length: device.nextSeq }, (_, i) => i));
    for (const [seq, statement] of statements) {
      const before = statements.get(seq - 1);
      expect(statement.prev, `seed ${seed}, seq ${seq}`).toEqual(before && hashEntry(before.bytes));
    }
    for (const { seq } of await acknowledgedBy(folder))
      expect(statements.has(seq), `seed ${seed}`).toBe(true);
    await device.close();
  });
});

/** What the broker acknowledged, by number; the same number must always have had the same bytes. */
function bySeq({ received }: TestBroker): Map<number, Statement> {
  const statements = new Map<number, Statement>();
  for (const { bytes } of received) {
    const decoded = decodeStatement(bytes);
    if (decoded.kind === 'reject') throw new Error(decoded.detail);
    const other = statements.get(decoded.value.seq);
    if (other) expect(bytesToHex(bytes)).toBe(bytesToHex(other.bytes));
    statements.set(decoded.value.seq, decoded.value);
  }
  return statements;
}
