/** Who may ask the HTTP interface what. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayBench, TOKENS } from '../testing/gateway-bench.ts';
import type { Wearable } from '../testing/wearable.ts';
import { startSealing } from './testing/sealing.ts';

let bench: GatewayBench;
let alices: Wearable;
let paths: Readonly<Record<string, string>>;

beforeAll(async () => {
  ({ bench, alices, paths } = await startSealing());
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
