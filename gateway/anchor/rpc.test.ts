import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { NodeBusyError, RpcClient, RpcError } from './rpc.ts';

type Handler = (
  body: { id: number; method: string; params: unknown },
  response: ServerResponse,
  request: IncomingMessage,
) => void;

const servers: Server[] = [];

/** A node that answers as `handler` says. */
async function listen(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => handler(JSON.parse(body), response, request));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failure(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return error as GatewayError;
}

/** The message without the part that changes from run to run. */
const said = (error: Error): string => error.message.replaceAll(/:\d+/g, ':PORT');

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('RpcClient', () => {
  test('hands method and parameters over and the result back', async () => {
    const url = await listen(({ id, method, params }, response) => {
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { method, params } }));
    });
    const rpc = new RpcClient({ url, timeoutMs: 5_000 });
    expect(await rpc.call('eth_x', ['0x1', false])).toEqual({ method: 'eth_x', params: ['0x1', false] });
  });

  test('sends credentials as authorization and names the node without them', async () => {
    const url = await listen(({ id }, response, request) => {
      response.end(JSON.stringify({ id, result: [request.headers.authorization, request.url] }));
    });
    const secret = url.replace('http://', 'http://user:pa%20ss@');
    const rpc = new RpcClient({ url: `${secret}/v3/api-key?token=t`, timeoutMs: 5_000 });
    expect(await rpc.call('eth_x', [])).toEqual([`Basic ${btoa('user:pa ss')}`, '/v3/api-key?token=t']);
    expect(rpc.name).toBe(url);
    const error = rpc.unreachable('is away');
    expect(error.message + JSON.stringify(error.details)).not.toMatch(/user|pa.*ss|api-key|token/);
  });

  test('a node that repeats the key in the address does not get it into an error', async () => {
    const secrets = ['API-KEY-7', 'pass%20word', 'pass word', 'tok%zzen', btoa('somebody:pass word')];
    for (const secret of secrets) {
      const url = await listen(({ id }, response) => {
        response.end(
          JSON.stringify({ id, error: { code: -1, message: `no project ${secret}, ${secret}!` } }),
        );
      });
      const address = `${url.replace('http://', 'http://somebody:pass%20word@')}/v3/API-KEY-7?key=tok%zzen`;
      const error = await new RpcClient({ url: address, timeoutMs: 5_000 })
        .call('eth_x', [])
        .catch((reason: unknown) => reason);
      expect((error as Error).message).toBe('no project ***, ***!');
    }
  });

  test.each([[undefined], [7], [{}], ['['.repeat(1_000_000) + ']'.repeat(1_000_000)]])(
    'an error of the node that says %.9j is one all the same',
    async (message) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      const url = await listen(({ id }, response) => {
        response.end(`{"id":${id},"error":{"code":-1,"message":${text ?? null}}}`);
      });
      const error = await new RpcClient({ url, timeoutMs: 5_000 })
        .call('eth_x', [])
        .catch((reason: unknown) => reason);
      expect([RpcError, GatewayError].some((kind) => error instanceof kind)).toBe(true);
    },
  );

  test('a redirect is not followed: nobody else is asked, with credentials or without', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      let asked = 0;
      const other = await listen((_b, response) => {
        asked += 1;
        response.end('{}');
      });
      const url = await listen((_b, response) => void response.writeHead(status, { location: other }).end());
      const rpc = new RpcClient({ url: url.replace('http://', 'http://user:pass@'), timeoutMs: 5_000 });
      expect((await failure(rpc.call('eth_x', []))).message).toContain('could not be asked');
      expect(asked).toBe(0);
    }
  });

  test.each([
    ['gzip', [gzipSync]],
    ['deflate', [deflateSync]],
    ['br', [brotliCompressSync]],
    ['gzip, gzip', [gzipSync, gzipSync]],
  ] as const)(
    'an answer that is small as %s and huge without counts by its size without',
    async (encoding, pack) => {
      const bomb = pack.reduce<Uint8Array>(
        (bytes, compress) => compress(bytes),
        new Uint8Array(64 * 2 ** 20),
      );
      expect(bomb.length).toBeLessThan(100_000);
      const url = await listen((_b, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb);
      });
      const before = process.memoryUsage().arrayBuffers;
      const error = await failure(new RpcClient({ url, timeoutMs: 20_000 }).call('eth_x', []));
      expect(error.message).toContain('more than 4194304 bytes');
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
    },
  );

  test('an error of the node is an RpcError with one printable line', async () => {
    const url = await listen(({ id }, response) => {
      response.statusCode = 400;
      response.end(
        JSON.stringify({
          id,
          error: { code: -32000, message: `nonce\n\u001b[31m too low ${'x'.repeat(500)}`, data: '0x12' },
        }),
      );
    });
    const error = await new RpcClient({ url, timeoutMs: 5_000 })
      .call('eth_x', [])
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RpcError);
    const { code, data, message } = error as RpcError;
    expect({ code, data }).toEqual({ code: -32000, data: '0x12' });
    expect(message).toMatch(/^nonce \[31m too low x+$/);
    expect(message.length).toBe(200);
  });

  test('a node that never answers costs no more than the deadline', async () => {
    const url = await listen(() => undefined);
    const error = await failure(new RpcClient({ url, timeoutMs: 50 }).call('eth_x', []));
    expect(error.code).toBe('chain-unreachable');
    expect(said(error)).toMatchInlineSnapshot(
      `"the node at http://127.0.0.1:PORT did not answer eth_x within 50 ms; anchoring goes on when it answers, readings are taken meanwhile"`,
    );
  });

  test('a node that dribbles does not outlive the deadline', async () => {
    const url = await listen((_body, response) => {
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(timer));
    });
    expect((await failure(new RpcClient({ url, timeoutMs: 100 }).call('eth_x', []))).message).toContain(
      'within 100 ms',
    );
  });

  test.each<[string, Handler, RegExp]>([
    [
      'an endless answer',
      (_b, response) => void response.end(Buffer.alloc(5 * 1024 * 1024, 0x20)),
      /more than \d+ bytes/,
    ],
    ['a web page', (_b, response) => void response.end('<html>'), /not JSON/],
    [
      'a list',
      ({ id }, response) => void response.end(JSON.stringify([{ id, result: 1 }])),
      /no JSON-RPC object/,
    ],
    [
      'the answer to another question',
      ({ id }, response) => void response.end(JSON.stringify({ id: id + 1, result: 1 })),
      /out of turn/,
    ],
    ['no result', ({ id }, response) => void response.end(JSON.stringify({ id })), /out of turn/],
    ['a bare status', (_b, response) => void response.writeHead(500).end('oh no'), /HTTP status 500/],
    [
      'a redirect',
      (_b, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
      /could not be asked/,
    ],
    ['a closed connection', (_b, response) => void response.destroy(), /could not be asked/],
    [
      'half an answer',
      (_b, response) =>
        void response.writeHead(200, { 'content-length': '99' }).write('{"id"', () => response.destroy()),
      /could not be asked/,
    ],
  ])('%s counts as no answer', async (_name, handler, message) => {
    const url = await listen(handler);
    const error = await failure(new RpcClient({ url, timeoutMs: 5_000 }).call('eth_x', []));
    expect(error.code).toBe('chain-unreachable');
    expect(error.message).toMatch(message);
  });

  const busy = async (handler: Handler): Promise<number | undefined> => {
    const error = await failure(
      new RpcClient({ url: await listen(handler), timeoutMs: 5_000 }).call('eth_x', []),
    );
    expect(error).toBeInstanceOf(NodeBusyError);
    expect(error).toMatchObject({ code: 'chain-unreachable', fatal: false });
    return (error as NodeBusyError).retryAfterMs;
  };

  test.each<[number, string | undefined, number | undefined]>([
    [429, '7', 7_000],
    [429, undefined, undefined],
    [429, 'soon', undefined],
    [429, new Date(0).toUTCString(), 0],
    [503, '120', 120_000],
  ])('status %i with Retry-After %s is a node that wants to be asked less', async (status, after, ms) => {
    const headers = after === undefined ? {} : { 'retry-after': after };
    expect(await busy((_b, response) => void response.writeHead(status, headers).end('{}'))).toBe(ms);
  });

  test('Retry-After may be a date', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() };
    const ms = await busy((_b, response) => void response.writeHead(429, headers).end());
    expect(ms).toBeGreaterThan(50_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });

  test.each([
    { code: -32005, message: 'daily request count exceeded' },
    { code: 429, message: 'compute units' },
    { code: -32000, message: 'Rate limit reached' },
    { code: -32007, message: '50/second request limit reached' },
    { code: -32000, message: 'Too Many Requests' },
  ])('so is the error $code, $message', async (error) => {
    expect(
      await busy(({ id }, response) => void response.end(JSON.stringify({ id, error }))),
    ).toBeUndefined();
  });

  test('a node that is down without a word of when is not busy but away', async () => {
    const url = await listen((_b, response) => void response.writeHead(503).end());
    const error = await failure(new RpcClient({ url, timeoutMs: 5_000 }).call('eth_x', []));
    expect(error).not.toBeInstanceOf(NodeBusyError);
    expect(error.message).toContain('HTTP status 503');
  });

  test('a node that is not there', async () => {
    const url = await listen(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(
      said(await failure(new RpcClient({ url, timeoutMs: 5_000 }).call('eth_x', []))),
    ).toMatchInlineSnapshot(
      `"the node at http://127.0.0.1:PORT could not be asked for eth_x: connect ECONNREFUSED 127.0.0.1:PORT; anchoring goes on when it answers, readings are taken meanwhile"`,
    );
  });

  test('several calls that each are in time have no more time all together than there is for all', async () => {
    const url = await listen(({ id }, response) => {
      setTimeout(() => response.end(JSON.stringify({ id, result: 1 })), 20);
    });
    const rpc = new RpcClient({ url, timeoutMs: 5_000 });
    const hurried = rpc.within(200);
    let answers = 0;
    const error = await failure(
      (async () => {
        for (;;) answers += Number(await hurried.call('eth_x', []));
      })(),
    );
    expect(answers).toBeGreaterThan(0);
    expect(said(error)).toMatchInlineSnapshot(
      `"the node at http://127.0.0.1:PORT has not answered eth_x when the time for all of it was over; anchoring goes on when it answers, readings are taken meanwhile"`,
    );
    expect(await rpc.call('eth_x', [])).toBe(1);
  });

  test('who shares a node for a while is closed with it', async () => {
    const url = await listen(() => undefined);
    const rpc = new RpcClient({ url, timeoutMs: 60_000 });
    const pending = failure(rpc.within(60_000).call('eth_x', []));
    rpc.close();
    expect((await pending).message).toContain('the chain connection is closed');
  });

  test('close ends the calls under way and refuses new ones', async () => {
    const url = await listen(() => undefined);
    const rpc = new RpcClient({ url, timeoutMs: 60_000 });
    const pending = failure(rpc.call('eth_x', []));
    rpc.close();
    expect((await pending).message).toContain('the chain connection is closed');
    expect((await failure(rpc.call('eth_y', []))).message).toContain('the chain connection is closed');
  });
});
