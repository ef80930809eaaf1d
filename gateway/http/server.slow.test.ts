import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyCheckpoint } from '../../src/checkpoint.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { computeRoot } from '../../src/merkle/root.ts';
import { verifyInclusion } from '../../src/merkle/verify.ts';
import { decodeTransparentStatement } from '../../src/receipt/transparent-statement.ts';
import type { Trust } from '../../src/receipt/trust.ts';
import { verifyReceipt } from '../../src/receipt/verify.ts';
import { hashEntry } from '../../src/statement.ts';
import { tilePath, tileWidth } from '../../src/tile.ts';
import { IGNORE_CODES, REJECT_CODES } from '../../src/verdict.ts';
import { GatewayError } from '../errors.ts';
import { GatewayBench, LOG_KEY, ORIGIN, TOKENS } from '../testing/gateway-bench.ts';
import { keyText } from '../testing/log-bench.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { PUBACK, publishPacket } from '../testing/raw-mqtt.ts';
import { spoil, Wearable } from '../testing/wearable.ts';
import { AccessList } from './access.ts';
import { Metrics } from './metrics.ts';
import { PROBLEM_CODES } from './problems.ts';
import { buildHttp, type HttpParts } from './server.ts';

const PROBLEM_TYPE = 'application/problem+json';

/** Sends statements over one connection and waits for each acknowledgement. */
async function send(
  bench: GatewayBench,
  wearable: Wearable,
  statements: readonly Uint8Array[],
): Promise<void> {
  const link = await bench.join(wearable);
  const topic = `wearables/${wearable.urn}/statements`;
  link.send(Buffer.concat(statements.map((bytes, at) => publishPacket(topic, bytes, { id: at + 1 }))));
  for (const _ of statements) await link.receive(PUBACK);
  link.destroy();
}

/** The index of a device's statement in the log. */
function indexOf(bench: GatewayBench, wearable: Wearable, seq: number): number {
  const query = bench.db.prepare(
    'SELECT e.idx FROM entries e JOIN devices d ON d.id = e.device WHERE d.urn = ? AND e.seq = ?',
  );
  return Number(query.pluck().get(wearable.urn, seq));
}

async function problem(response: Response): Promise<{ type: string; status: number; detail?: string }> {
  expect(response.headers.get('content-type')?.split(';')[0]).toBe(PROBLEM_TYPE);
  const body = (await response.json()) as { type: string; status: number };
  expect(body.status).toBe(response.status);
  return body;
}

const alices = new Wearable(1, 'ESP256');
const bobs = new Wearable(2, 'ES256K');

describe('a gateway that seals all the time', () => {
  let bench: GatewayBench;
  const paths: Record<string, string> = {};

  beforeAll(async () => {
    bench = await GatewayBench.start({ checkpointEverySeconds: 0.05 });
    await bench.enrol(alices, 'alice', 'clinic');
    await bench.enrol(bobs, 'bob', 'other');
    await send(bench, alices, await alices.skip(3));
    await send(bench, bobs, [...(await bobs.skip(1)), spoil(await bobs.sign({ seq: 7 }))]);
    const last = indexOf(bench, bobs, 0);
    await vi.waitFor(() => {
      if (bench.count('checkpoints', `size > ${last}`) === 0) throw new Error('not sealed yet');
    });
    Object.assign(paths, {
      status: '/v1/status',
      alice: `/v1/receipts/${indexOf(bench, alices, 0)}`,
      aliceByNumber: `/v1/devices/${alices.urn}/statements/2/receipt`,
      bob: `/v1/receipts/${indexOf(bench, bobs, 0)}`,
      event: '/v1/receipts/0',
      devices: '/v1/devices',
      device: `/v1/devices/${alices.urn}`,
      quarantine: '/v1/quarantine',
      deadLetters: '/v1/dead-letters',
    });
  });

  afterAll(() => bench.close());

  describe('roles', () => {
    type Holder = keyof typeof TOKENS | 'nobody' | 'wrong';
    const holders: readonly Holder[] = [
      'nobody',
      'wrong',
      'admin',
      'auditor',
      'clinic',
      'other',
      'alice',
      'bob',
    ];
    const statusOf = async (path: string, holder: Holder, method = 'GET'): Promise<number> => {
      const token =
        holder === 'nobody' ? undefined : holder === 'wrong' ? 'not-a-token' : TOKENS[holder as 'admin'];
      const response = await bench.get(path, token, method);
      await response.arrayBuffer();
      return response.status;
    };

    // nobody, wrong token, admin, auditor, provider clinic, provider other, patient alice, patient bob
    const matrix: Record<string, readonly number[]> = {
      status: [401, 401, 200, 200, 403, 403, 403, 403],
      alice: [401, 401, 200, 200, 200, 404, 200, 404],
      aliceByNumber: [401, 401, 200, 200, 200, 404, 200, 404],
      bob: [401, 401, 200, 200, 404, 200, 404, 200],
      event: [401, 401, 404, 404, 404, 404, 404, 404],
      devices: [401, 401, 200, 403, 403, 403, 403, 403],
      device: [401, 401, 200, 403, 403, 403, 403, 403],
      quarantine: [401, 401, 200, 403, 403, 403, 403, 403],
      deadLetters: [401, 401, 200, 403, 403, 403, 403, 403],
    };

    test.each(Object.entries(matrix))('%s', async (name, expected) => {
      const path = paths[name] as string;
      expect(await Promise.all(holders.map((holder) => statusOf(path, holder)))).toEqual(expected);
    });

    test('retrying a dead letter', async () => {
      const retry = (holder: Holder) => statusOf('/v1/dead-letters/none/retry', holder, 'POST');
      expect(await Promise.all(holders.map(retry))).toEqual([401, 401, 404, 403, 403, 403, 403, 403]);
    });

    test.each(['/health', '/metrics', '/checkpoint', '/openapi.json'])('%s is open to all', async (path) => {
      expect(await statusOf(path, 'nobody')).toBe(200);
    });

    test('every route of the description is in this test, so that none is open by mistake', async () => {
      const description = (await (await bench.get('/openapi.json')).json()) as {
        openapi: string;
        paths: Record<string, Record<string, { summary?: string; security?: unknown[] }>>;
      };
      const routes = Object.entries(description.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, { security }]) => `${method} ${path}${security === undefined ? ' open' : ''}`,
        ),
      );
      expect(description.openapi).toBe('3.1.0');
      expect(routes.sort()).toEqual([
        'get /checkpoint open',
        'get /health open',
        'get /metrics open',
        'get /tile/{*} open',
        'get /v1/dead-letters',
        'get /v1/devices',
        'get /v1/devices/{device}',
        'get /v1/devices/{device}/statements/{seq}/receipt',
        'get /v1/quarantine',
        'get /v1/receipts/{index}',
        'get /v1/status',
        'post /v1/dead-letters/{id}/retry',
      ]);
    });

    test('what a caller may not read and what does not exist look alike', async () => {
      const bodies = await Promise.all(
        [
          paths['alice'] as string,
          '/v1/receipts/999999',
          `/v1/devices/${alices.urn}/statements/99/receipt`,
        ].map(async (path) => (await bench.get(path, TOKENS.bob)).text()),
      );
      expect(new Set(bodies).size).toBe(1);
    });

    test.each([
      ['another scheme', `Basic ${TOKENS.admin}`, 401],
      ['no scheme', TOKENS.admin, 401],
      ['no token', 'Bearer ', 401],
      ['two tokens', `Bearer ${TOKENS.admin} ${TOKENS.admin}`, 401],
      ['a token with more behind it', `Bearer ${TOKENS.admin}x`, 401],
      ['the digest itself', 'Bearer e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 401],
      ['a very long one', `Bearer ${'x'.repeat(6000)}`, 401],
      ['the scheme in lower case (RFC 9110 section 11.1)', `bearer ${TOKENS.admin}`, 200],
    ])('authorization with %s', async (_name, authorization, status) => {
      const response = await fetch(`${bench.baseUrl}/v1/status`, { headers: { authorization } });
      expect(response.status).toBe(status);
      if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer');
    });
  });

  describe('receipts', () => {
    const trust = (): Trust => ({
      logs: [{ origin: ORIGIN, key: LOG_KEY }],
      deviceKeys: [{ device: alices.urn, key: alices.signer.publicKey }],
    });

    test('are proven with src alone, and are for download', async () => {
      const response = await bench.get(paths['alice'] as string, TOKENS.alice);
      expect(response.headers.get('content-type')).toBe('application/vnd.vitalseal.receipt+cbor');
      expect(response.headers.get('x-vitalseal-state')).toBe('recorded');
      const index = indexOf(bench, alices, 0);
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="${index}.receipt.cbor"`,
      );
      const bytes = new Uint8Array(await response.arrayBuffer());
      const verdicts = verifyReceipt(bytes, trust());
      expect(verdicts.answers.signature.code).toBe('signature-valid');
      expect(verdicts.answers['device-key'].code).toBe('key-valid');
      expect(verdicts.answers.included.code).toBe('included');
      expect(verdicts.answers.anchored.code).toBe('no-anchor');
      expect(verdicts.index).toBe(index);
      const other = { ...trust(), logs: [{ origin: ORIGIN, key: alices.signer.publicKey }] };
      expect(verifyReceipt(bytes, other).answers.included.verdict).not.toBe('yes');
    });

    test('by number and by index are of the same statement', async () => {
      const byIndex = await bench.get(`/v1/receipts/${indexOf(bench, alices, 2)}`, TOKENS.auditor);
      const byNumber = await bench.get(paths['aliceByNumber'] as string, TOKENS.auditor);
      const [a, b] = await Promise.all(
        [byIndex, byNumber].map(async (response) =>
          decodeTransparentStatement(new Uint8Array(await response.arrayBuffer())),
        ),
      );
      if (a?.kind !== 'ok' || b?.kind !== 'ok') throw new Error('no receipt');
      expect(a.value.statement).toEqual(b.value.statement);
      expect(a.value.statement.seq).toBe(2);
    });

    test('of another boot are others', async () => {
      const response = await bench.get(`${paths['aliceByNumber']}?boot=1`, TOKENS.admin);
      expect((await problem(response)).type).toBe('not-found');
    });
  });

  describe('problems', () => {
    test.each([
      ['/v1/receipts/x', 400, 'invalid-request'],
      ['/v1/receipts/-1', 400, 'invalid-request'],
      ['/v1/receipts/1.5', 400, 'invalid-request'],
      ['/v1/receipts/9007199254740992', 400, 'invalid-request'],
      ['/v1/devices?limit=0', 400, 'invalid-request'],
      ['/v1/devices?limit=1001', 400, 'invalid-request'],
      ['/v1/quarantine?limit=x', 400, 'invalid-request'],
      ['/v1/devices/%E0%A4%A', 400, 'invalid-request'],
      [`/v1/devices/${'x'.repeat(129)}`, 400, 'invalid-request'],
      ['/v1/devices/urn:dev:os:1-none', 404, 'not-found'],
      ['/v1/receipts/12345678', 404, 'not-found'],
      ['/nothing', 404, 'not-found'],
      ['/v1/', 404, 'not-found'],
      ['/tile/0/001', 404, 'not-found'],
      ['/tile/x', 404, 'not-found'],
      ['/tile/0/000.p/0', 404, 'not-found'],
      ['/tile/0/000.p/257', 404, 'not-found'],
      ['/tile/0/../../checkpoint', 200, ''],
      ['/tile/0/%2e%2e/x', 404, 'not-found'],
      ['/tile/63/000', 404, 'not-found'],
      ['/tile/0/x999/x999/x999/x999/x999/999', 404, 'not-found'],
    ])('%s: %i %s', async (path, status, type) => {
      const response = await bench.get(path, TOKENS.admin);
      expect(response.status).toBe(status);
      if (type !== '') expect((await problem(response)).type).toBe(type);
    });

    test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])(
      '%s where only GET is',
      async (method) => {
        const response = await bench.get('/v1/status', TOKENS.admin, method);
        expect(response.status).toBe(404);
      },
    );

    test('a body that is too long is refused', async () => {
      const response = await fetch(`${bench.baseUrl}/v1/dead-letters/x/retry`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json' },
        body: `"${'x'.repeat(70_000)}"`,
      });
      expect((await problem(response)).type).toBe('invalid-request');
    });

    test('bytes that are no HTTP close the connection and harm nobody', async () => {
      const socket = connect(bench.gateway.httpPort, '127.0.0.1');
      socket.write('\u0000\u0001\u0002 HELLO\r\n\r\n');
      await new Promise((resolve) => socket.once('close', resolve).resume());
      expect((await bench.get('/health')).status).toBe(200);
    });
  });

  describe('what the administrator sees', () => {
    const read = async <T>(path: string): Promise<T> =>
      (await (await bench.get(path, TOKENS.admin)).json()) as T;

    test('devices, page by page', async () => {
      const all = await read<{ devices: { device: string }[] }>('/v1/devices');
      expect(all.devices).toMatchObject([
        { device: alices.urn, patient: 'alice', statements: 3, missing: 0, status: 'active' },
        { device: bobs.urn, patient: 'bob', statements: 1, missing: 0, status: 'active' },
      ]);
      const [first] = (await read<typeof all>('/v1/devices?limit=1')).devices;
      expect(first?.device).toBe(alices.urn);
      expect((await read<typeof all>(`/v1/devices?limit=1&after=${first?.device}`)).devices).toMatchObject([
        { device: bobs.urn },
      ]);
    });

    test('one device with its keys', async () => {
      expect(await read(paths['device'] as string)).toMatchObject({
        device: alices.urn,
        keys: [{ algorithm: 'ESP256', retiredAt: null, kid: expect.stringMatching(/^[0-9a-f]{16}$/) }],
        gaps: [],
      });
    });

    test('a device whose URN is as long as one may be', async () => {
      const longest = `urn:dev:os:1-${'x'.repeat(115)}`;
      expect(longest).toHaveLength(128);
      const wearable = new Wearable(3);
      const [outcome] = await bench.request({
        action: 'enrol',
        device: longest,
        patient: 'carol',
        provider: 'clinic',
        key: keyText(wearable.signer.publicKey),
      });
      expect(outcome).toBe('');
      expect(await read(`/v1/devices/${longest}`)).toMatchObject({ device: longest });
    });

    test('refusals without their bytes', async () => {
      const { refusals } = await read<{ refusals: object[] }>('/v1/quarantine');
      expect(refusals).toHaveLength(1);
      expect(refusals).toMatchObject([{ device: bobs.urn, code: 'bad-signature' }]);
      expect(Object.keys(refusals[0] ?? {}).sort()).toEqual(
        ['code', 'detail', 'device', 'entry', 'length', 'receivedAt'].sort(),
      );
    });

    test('dead letters, of which there are none', async () => {
      expect(await read('/v1/dead-letters')).toEqual({ deadLetters: [] });
    });

    test('the status', async () => {
      const status = await read<{ log: { size: number } }>('/v1/status');
      expect(status).toMatchObject({
        origin: ORIGIN,
        quarantine: { kept: 1, dropped: 0 },
        log: { checkpoint: { root: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      });
      expect(status.log.size).toBeGreaterThan(6);
    });

    test('metrics: every code is a series from the start', async () => {
      const page = await (await bench.get('/metrics')).text();
      for (const code of REJECT_CODES)
        expect(page).toContain(`vitalseal_statements_total{verdict="reject",code="${code}"}`);
      for (const code of IGNORE_CODES)
        expect(page).toContain(`vitalseal_statements_total{verdict="ignore",code="${code}"}`);
      expect(await bench.metric('vitalseal_statements_total{verdict="accept",code=""}')).toBe(4);
      expect(await bench.metric('vitalseal_quarantine_statements')).toBe(1);
      expect(page).not.toContain('urn:dev:');
      expect(page).not.toContain('alice');
    });
  });
});

describe('an outside follower', () => {
  let bench: GatewayBench;
  const wearable = new Wearable(1);

  beforeAll(async () => {
    bench = await GatewayBench.start({ checkpointEverySeconds: 0.05 });
    await bench.enrol(wearable);
    await send(bench, wearable, await wearable.skip(300));
    await vi.waitFor(() => {
      if (bench.count('checkpoints', 'size > 301') === 0) throw new Error('not sealed yet');
    });
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
  });
});

describe('a gateway that has sealed once', () => {
  let bench: GatewayBench;
  const wearable = new Wearable(1);

  beforeAll(async () => {
    bench = await GatewayBench.start();
    await vi.waitFor(() => {
      if (bench.count('checkpoints') === 0) throw new Error('not sealed yet');
    });
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

describe('failures of ours', () => {
  /** A server whose every part fails in the same way. */
  async function failing(error: Error) {
    const logger = new MemoryLogger();
    const fail = (): never => {
      throw error;
    };
    const parts = new Proxy({} as HttpParts, {
      get: (_target, name) => {
        if (name === 'access') return new AccessList([]);
        if (name === 'metrics') return new Metrics();
        if (name === 'logger') return logger;
        return name === 'log' ? { newestCheckpoint: fail } : fail;
      },
    });
    const app = await buildHttp(parts);
    const response = await app.inject({ url: '/checkpoint' });
    await app.close();
    return { response, logger };
  }

  test('are told by their code and nothing else; the reason is in the log', async () => {
    const { response, logger } = await failing(
      new GatewayError('store-corrupt', 'entry 5 of /var/data is damaged'),
    );
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toMatch(PROBLEM_TYPE);
    expect(response.json()).toEqual({ type: 'store-corrupt', status: 500 });
    expect(logger.lines).toEqual([
      { level: 'error', fields: { reason: 'entry 5 of /var/data is damaged' }, message: 'a request failed' },
    ]);
  });

  test('of no known kind are store-unavailable', async () => {
    const { response } = await failing(new TypeError('x is not a function'));
    expect(response.json()).toEqual({ type: 'store-unavailable', status: 500 });
  });
});

test('every problem code is met in this file', () => {
  expect([...PROBLEM_CODES]).toEqual([
    'invalid-request',
    'unauthenticated',
    'forbidden',
    'not-found',
    'not-sealed-yet',
    'erased',
  ]);
});
