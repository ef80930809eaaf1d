/** What the HTTP interface answers: receipts, problems, and what the administrator sees. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeTransparentStatement } from '../../src/receipt/transparent-statement.ts';
import type { Trust } from '../../src/receipt/trust.ts';
import { verifyReceipt } from '../../src/receipt/verify.ts';
import { IGNORE_CODES, REJECT_CODES } from '../../src/verdict.ts';
import { GatewayError } from '../errors.ts';
import { type GatewayBench, LOG_KEY, ORIGIN, TOKENS } from '../testing/gateway-bench.ts';
import { keyText } from '../testing/log-bench.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { Wearable } from '../testing/wearable.ts';
import { AccessList } from './access.ts';
import { Metrics } from './metrics.ts';
import { PROBLEM_CODES } from './problems.ts';
import { buildHttp, type HttpParts } from './server.ts';
import { indexOf, PROBLEM_TYPE, problem, startSealing } from './testing/sealing.ts';

let bench: GatewayBench;
let alices: Wearable;
let bobs: Wearable;
let paths: Readonly<Record<string, string>>;

beforeAll(async () => {
  ({ bench, alices, bobs, paths } = await startSealing());
});

afterAll(() => bench.close());

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
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${index}.receipt.cbor"`);
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

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])('%s where only GET is', async (method) => {
    const response = await bench.get('/v1/status', TOKENS.admin, method);
    expect(response.status).toBe(404);
  });

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

test('every problem code is met in the tests of this folder', () => {
  expect([...PROBLEM_CODES]).toEqual([
    'invalid-request',
    'unauthenticated',
    'forbidden',
    'not-found',
    'not-sealed-yet',
    'erased',
  ]);
});
