import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpPoster } from './http-post.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function listen(server: net.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
}

function createPoster(): HttpPoster {
  const poster = new HttpPoster();
  cleanups.push(() => poster.close());
  return poster;
}

/** A server that says these bytes as soon as a request has begun to arrive. */
function rawServer(answer: string, sockets: Socket[] = []): net.Server {
  return net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(answer));
  });
}

const request = { headers: { 'x-a': 'b' }, body: new Uint8Array(1_000), signal: AbortSignal.timeout(5_000) };

describe('HttpPoster', () => {
  it('posts exact bytes with their length, and uses its connection again', async () => {
    const seen: unknown[] = [];
    const ports = new Set<number | undefined>();
    const server = http.createServer((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      const chunks: Uint8Array[] = [];
      incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on('end', () => {
        seen.push([
          incoming.method,
          incoming.url,
          incoming.headers['content-length'],
          incoming.headers['x-a'],
          Buffer.concat(chunks).equals(Buffer.from(request.body)),
        ]);
        response.writeHead(204).end();
      });
    });
    const url = await listen(server);
    const poster = createPoster();
    for (let i = 0; i < 3; i++) expect(await poster.post({ ...request, url })).toEqual({ status: 204 });
    expect(seen).toEqual(Array(3).fill(['POST', '/in', '1000', 'b', true]));
    expect(ports.size).toBe(1);
  });

  it('gives status and Retry-After, and does not follow a redirect', async () => {
    let requests = 0;
    const server = http.createServer((_, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere', 'retry-after': '9' }).end();
    });
    const url = await listen(server);
    expect(await createPoster().post({ ...request, url })).toEqual({ status: 302, retryAfter: '9' });
    expect(requests).toBe(1);
  });

  it('does not read an answer without end, nor wait for one that drips', async () => {
    const sockets: Socket[] = [];
    const url = await listen(
      rawServer(`HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n${'x'.repeat(100_000)}`, sockets),
    );
    expect(await createPoster().post({ ...request, url })).toEqual({ status: 200 });
    await new Promise<void>((resolve) => (sockets[0] as Socket).once('close', () => resolve()));
    const dripping = await listen(rawServer('HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\nx'));
    expect(await createPoster().post({ ...request, url: dripping })).toEqual({ status: 202 });
  });

  it.each([
    ['garbage', 'this is not HTTP\r\n\r\n', /^no answer \(HPE_/],
    [
      'endless headers',
      `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(50_000)}`,
      /^no answer \(HPE_HEADER_OVERFLOW\)$/,
    ],
  ])('takes %s for no answer', async (_, answer, message) => {
    const url = await listen(rawServer(answer));
    await expect(createPoster().post({ ...request, url })).rejects.toThrow(message);
  });

  it('says why there was no answer, and never where it was sought', async () => {
    const silent = await listen(rawServer(''));
    const closed = await listen(net.createServer());
    cleanups.pop();
    const withPassword = silent.replace('://', '://user:secret@');
    const late = { ...request, url: withPassword, signal: AbortSignal.timeout(50) };
    await expect(createPoster().post(late)).rejects.toThrow(/^no answer in time$/);
    const stop = new AbortController();
    setImmediate(() => stop.abort());
    await expect(createPoster().post({ ...late, signal: stop.signal })).rejects.toThrow(
      /^the attempt was stopped$/,
    );
    await expect(createPoster().post({ ...request, url: 'http://127.0.0.1:1/x' })).rejects.toThrow(
      /^no answer \(ECONNREFUSED\)$/,
    );
    await expect(createPoster().post({ ...request, url: 'not a url' })).rejects.toThrow(
      /^no answer \(ERR_INVALID_URL\)$/,
    );
    await expect(
      createPoster().post({ ...request, url: closed, headers: { 'x-a': 'a\nb' } }),
    ).rejects.toThrow(/^no answer \(ERR_INVALID_CHAR\)$/);
  });

  it('ends every attempt when it is closed', async () => {
    const poster = createPoster();
    const attempt = poster.post({ ...request, url: await listen(rawServer('')) });
    setTimeout(() => poster.close(), 20);
    await expect(attempt).rejects.toThrow(/^no answer/);
  });
});
