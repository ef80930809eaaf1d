import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { Wearable } from '../testing/wearable.ts';
import { SecondLook } from './second-look.ts';

let bench: LogBench;
let wearable: Wearable;
let look: SecondLook;

beforeEach(async () => {
  bench = new LogBench();
  wearable = new Wearable(1);
  await bench.enrol(wearable);
  const { registry, intake, log } = bench;
  look = new SecondLook({ heldBack: log.heldBack, registry, intake, logger: new MemoryLogger() });
});

afterEach(() => bench.close());

test('what a suspended device said, and was told is safe, is in the log once it is resumed', async () => {
  await bench.request({ action: 'suspend', device: wearable.urn });
  const statements = [await wearable.next(), await wearable.next(), await wearable.next()];
  for (const bytes of statements) {
    expect(await bench.submit(wearable, bytes)).toMatchObject({ code: 'suspended-device' });
  }
  await look.all();
  expect(bench.count('entries', "kind = 'statement'")).toBe(0); // still suspended

  await bench.request({ action: 'resume', device: wearable.urn });
  look.at(wearable.urn);
  await look.close();
  for (const [seq, bytes] of statements.entries()) {
    expect((await bench.log.reader.findStatement(wearable.urn, 0, seq))?.bytes).toEqual(bytes);
  }
  expect(bench.count('quarantine')).toBe(0);
  await look.all();
  expect(bench.count('entries', "kind = 'statement'")).toBe(3);
});

test('a statement under a key that is added later is taken in', async () => {
  const next = new Wearable(1, 'ESP256');
  const bytes = await next.sign({
    contentType: 'application/octet-stream',
    payload: new Uint8Array(3_000).fill(7),
  });
  expect(await bench.submit(wearable, bytes)).toMatchObject({ code: 'unknown-key' });
  await bench.request({ action: 'add-key', device: wearable.urn, key: keyText(next.signer.publicKey) });
  await look.all();
  expect((await bench.log.reader.findStatement(wearable.urn, 0, 0))?.bytes).toEqual(bytes);
});

test('what would be refused again stays where it is, uncounted', async () => {
  const stranger = new Wearable(1, 'ES256K');
  await bench.submit(wearable, await stranger.next());
  bench.verdicts.length = 0;
  await look.all();
  await look.all();
  expect(bench.verdicts).toEqual([]);
  expect(bench.count('quarantine', "code = 'unknown-key'")).toBe(1);
  expect(bench.count('entries', "kind = 'statement'")).toBe(0);
});

test('what a stranger sends under a device’s name does not push out what the device signed while it was suspended', async () => {
  await bench.close();
  bench = new LogBench({ quarantine: { perDevice: 5, total: 1000 } });
  await bench.enrol(wearable);
  await bench.request({ action: 'suspend', device: wearable.urn });
  const bytes = await wearable.next();
  expect(await bench.submit(wearable, bytes)).toMatchObject({ code: 'suspended-device' });
  const stranger = new Wearable(1, 'ES256K');
  for (let sent = 0; sent < 10; sent++) await bench.submit(wearable, await stranger.next());
  expect(bench.count('quarantine', "code = 'suspended-device'")).toBe(1);
  expect(bench.count('quarantine')).toBe(1 + 5); // each kind has its own bound
});
