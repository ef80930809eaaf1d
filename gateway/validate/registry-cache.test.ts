import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keyId } from '../../src/cose/key.ts';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { ALGORITHMS, signerFrom, Wearable } from '../testing/wearable.ts';

let bench: LogBench;
const wearable = new Wearable(1);
const device = wearable.urn;

beforeEach(async () => {
  bench = new LogBench();
  await bench.enrol(wearable);
});

afterEach(() => bench.close());

test('keys of every algorithm are found by their id and verify', async () => {
  for (const algorithm of ALGORITHMS) {
    const signer = signerFrom(algorithm, algorithm);
    await bench.request({ action: 'add-key', device, key: keyText(signer.publicKey) });
    const key = bench.registry.find(device)?.key(keyId(signer.publicKey));
    const message = Uint8Array.of(1, 2, 3);
    expect(key?.algorithm).toBe(algorithm);
    expect(key?.verify(message, await signer.sign(message))).toBe(true);
    expect(key?.verify(Uint8Array.of(1, 2, 4), await signer.sign(message))).toBe(false);
  }
  expect(bench.registry.find(device)?.key(new Uint8Array(8))).toBeUndefined();
  expect(bench.registry.find(device)?.key(new Uint8Array(0))).toBeUndefined();
});

test('a device is read from the store once, and again after every change of it', async () => {
  const read = vi.spyOn(bench.log.registry, 'device');
  const found = bench.registry.find(device);
  expect(bench.registry.find(device)).toBe(found);
  expect(read).toHaveBeenCalledTimes(1);
  for (const [action, status] of [
    ['suspend', 'suspended'],
    ['resume', 'active'],
    ['revoke', 'revoked'],
  ] as const) {
    await bench.request({ action, device });
    expect(bench.registry.find(device)?.status).toBe(status);
  }
});

test('a retired key shows at once, with its time', async () => {
  const kid = keyId(wearable.signer.publicKey);
  expect(bench.registry.find(device)?.key(kid)?.retiredAt).toBeUndefined();
  await bench.request({ action: 'retire-key', device });
  expect(bench.registry.find(device)?.key(kid)?.retiredAt).toBe(bench.clock.now());
});

test('names that nobody enrolled are not remembered', async () => {
  const later = new Wearable(2);
  expect(bench.registry.find(later.urn)).toBeUndefined();
  await bench.enrol(later);
  expect(bench.registry.find(later.urn)?.urn).toBe(later.urn);
});

test('what a change that was rolled back would have made is never seen', async () => {
  bench.registry.find(device);
  const [failed] = await Promise.allSettled([
    bench.log.committer.run(() => {
      bench.log.registry.setStatus(bench.registry.find(device)?.id ?? 0, 'revoked', 0);
      throw new Error('no');
    }),
  ]);
  expect(failed.status).toBe('rejected');
  bench.registry.invalidate(device);
  expect(bench.registry.find(device)?.status).toBe('active');
});
