/** The log over HTTP: checkpoints and tiles as an outside follower reads them, and receipts that are not to be had. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../src/checkpoint.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { computeRoot } from '../../src/merkle/root.ts';
import { verifyInclusion } from '../../src/merkle/verify.ts';
import { decodeTransparentStatement } from '../../src/receipt/transparent-statement.ts';
import { hashEntry } from '../../src/statement.ts';
import { tilePath, tileWidth } from '../../src/tile.ts';
import { GatewayBench, LOG_KEY, ORIGIN, TOKENS } from '../testing/gateway-bench.ts';
import { Wearable } from '../testing/wearable.ts';
import { indexOf, problem, sealedPast, send } from './testing/sealing.ts';

describe('an outside follower', () => {
  let bench: GatewayBench;
  const wearable = new Wearable(1);

  beforeAll(async () => {
    bench = await GatewayBench.start({ checkpointEverySeconds: 0.05 });
    await bench.enrol(wearable);
    await send(bench, wearable, await wearable.skip(300));
    await sealedPast(bench, 301);
  });

  afterAll(() => bench.close());

  const bytesOf = async (path: string): Promise<Uint8Array> => {
    const response = await bench.get(`/${path}`);
    expect([path, response.status]).toEqual([path, 200]);
    return new Uint8Array(await response.arrayBuffer());
  };
  const split = (bytes: Uint8Array, size: number): Uint8Array[] =>
    Array.from({ length: bytes.length / size }, (_, i) => bytes.slice(i * size, (i + 1) * size));

  test('rebuilds the tree from tiles and entry bundles and gets the root that the log has signed', async () => {
    const response = await bench.get('/checkpoint');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const opened = verifyCheckpoint(await response.text(), { origin: ORIGIN, publicKey: LOG_KEY.bytes });
    if (opened.kind !== 'ok') throw new Error(opened.detail);
    const { size, root } = opened.value;
    expect(size).toBeGreaterThan(301);
    const leaves: Uint8Array[] = [];
    const entries: Uint8Array[] = [];
    for (let index = 0; tileWidth(0, index, size) > 0; index++) {
      const width = tileWidth(0, index, size);
      leaves.push(...split(await bytesOf(tilePath(0, index, width)), 32));
      const bundle = split(await bytesOf(tilePath('entries', index, width)), 34);
      for (const entry of bundle) expect([entry[0], entry[1]]).toEqual([0, 32]);
      entries.push(...bundle.map((entry) => entry.slice(2)));
    }
    expect(entries.map(hashLeaf)).toEqual(leaves);
    expect(leaves).toHaveLength(size);
    expect(computeRoot(leaves)).toEqual(root);
    expect(await bytesOf(tilePath(1, 0, 1))).toEqual(computeRoot(leaves.slice(0, 256)));
  });

  test('every checkpoint ever signed can be rebuilt from the partial tiles of its size', async () => {
    const sizes = bench.db.prepare('SELECT size, root FROM checkpoints ORDER BY size').all() as {
      size: number;
      root: Uint8Array;
    }[];
    for (const { size, root } of sizes.slice(0, 40)) {
      const leaves: Uint8Array[] = [];
      for (let index = 0; tileWidth(0, index, size) > 0; index++)
        leaves.push(...split(await bytesOf(tilePath(0, index, tileWidth(0, index, size))), 32));
      expect([size, Buffer.from(computeRoot(leaves))]).toEqual([size, Buffer.from(root)]);
    }
  });

  test('no tile is empty, wider than full or named in two ways', async () => {
    for (const path of [
      '0/000.p/0',
      '0/000.p/256',
      '2/000',
      '2/000.p/1',
      '00/000',
      '0/x000/000',
      '0/0',
      '64/000',
    ])
      expect([path, (await bench.get(`/tile/${path}`)).status]).toEqual([path, 404]);
  });

  test('a receipt’s path leads to a root that a checkpoint of the log has signed', async () => {
    const index = indexOf(bench, wearable, 299);
    const response = await bench.get(`/v1/receipts/${index}`, TOKENS.admin);
    const decoded = decodeTransparentStatement(new Uint8Array(await response.arrayBuffer()));
    if (decoded.kind !== 'ok') throw new Error(decoded.detail);
    const { receipt, statement } = decoded.value;
    expect(statement.seq).toBe(299);
    const note = bench.db.prepare('SELECT note FROM checkpoints WHERE size = ?').pluck().get(receipt.size);
    const checkpoint = verifyCheckpoint(String(note), { origin: ORIGIN, publicKey: LOG_KEY.bytes });
    if (checkpoint.kind !== 'ok') throw new Error(checkpoint.detail);
    const leafHash = hashLeaf(hashEntry(statement.bytes));
    expect(verifyInclusion({ ...receipt, leafHash, root: checkpoint.value.root })).toBe(true);
  });

  test('tiles may be cached for ever, partial ones too, the checkpoint not at all', async () => {
    const cacheOf = async (path: string) => (await bench.get(path)).headers.get('cache-control');
    expect(await cacheOf('/tile/0/000')).toBe('public, max-age=31536000, immutable');
    expect(await cacheOf('/tile/entries/000')).toBe('public, max-age=31536000, immutable');
    expect(await cacheOf('/tile/0/001.p/5')).toBe('public, max-age=31536000, immutable');
    expect(await cacheOf('/checkpoint')).toBe('no-cache');
    expect(await cacheOf('/tile/5/000')).toBe('no-store');
  });

  test('HEAD gets what GET gets, without the body', async () => {
    const named = ['content-type', 'content-length', 'cache-control'];
    for (const path of ['/checkpoint', '/tile/0/000', '/tile/entries/000', '/tile/5/000']) {
      const [head, get] = await Promise.all(
        ['HEAD', 'GET'].map((method) => bench.get(path, undefined, method)),
      );
      expect(head?.status).toBe(get?.status);
      expect(named.map((name) => head?.headers.get(name))).toEqual(
        named.map((name) => get?.headers.get(name)),
      );
      expect(await head?.text()).toBe('');
    }
  });
});

describe('a gateway that has sealed once', () => {
  let bench: GatewayBench;
  const wearable = new Wearable(1);

  beforeAll(async () => {
    bench = await GatewayBench.start();
    await sealedPast(bench, 0);
    await bench.enrol(wearable);
    await send(bench, wearable, await wearable.skip(2));
  });

  afterAll(() => bench.close());

  test('gives no receipt for what no checkpoint covers, and says that it will come', async () => {
    const response = await bench.get(`/v1/receipts/${indexOf(bench, wearable, 0)}`, TOKENS.admin);
    expect(response.status).toBe(409);
    expect(await problem(response)).toMatchObject({
      type: 'not-sealed-yet',
      detail: expect.stringContaining('try again shortly'),
    });
  });

  test('shows no hash that no checkpoint covers', async () => {
    const { size } = bench.db.prepare('SELECT max(size) AS size FROM checkpoints').get() as { size: number };
    const total = bench.count('entries');
    expect(total).toBeGreaterThan(size);
    for (const level of ['0', 'entries']) {
      expect((await bench.get(`/tile/${level}/000.p/${size}`)).status).toBe(200);
      expect((await bench.get(`/tile/${level}/000.p/${size + 1}`)).status).toBe(404);
    }
  });

  test('is healthy until the checkpoint is three cadences old, then 503 and says why', async () => {
    const healthy = await bench.get('/health');
    expect([healthy.status, await healthy.json()]).toEqual([
      200,
      { healthy: true, checks: { store: 'ok', checkpoint: 'ok' } },
    ]);
    bench.clock.advance(3 * 3600 * 1000);
    expect((await bench.get('/health')).status).toBe(200);
    bench.clock.advance(1);
    const stale = await bench.get('/health');
    expect([stale.status, await stale.json()]).toEqual([
      503,
      { healthy: false, checks: { store: 'ok', checkpoint: 'no recent checkpoint' } },
    ]);
  });
});

test('the receipt of an erased patient is gone', async () => {
  const wearable = new Wearable(1);
  let bench = await GatewayBench.start({ checkpointEverySeconds: 0.05 });
  await bench.enrol(wearable);
  await send(bench, wearable, await wearable.skip(1));
  const index = indexOf(bench, wearable, 0);
  bench.db.prepare("UPDATE owners SET wrapped = NULL WHERE name = 'alice'").run();
  await bench.stop();
  const { folder } = bench;
  bench = await GatewayBench.start({}, folder);
  const response = await bench.get(`/v1/receipts/${index}`, TOKENS.admin);
  expect(response.status).toBe(410);
  expect((await problem(response)).type).toBe('erased');
  await bench.stop();
  folder.remove();
});
