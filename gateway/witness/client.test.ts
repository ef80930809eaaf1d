import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { signCheckpoint } from '../../src/checkpoint.ts';
import { signCosignature } from '../../src/cosignature.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { createSigner } from '../../src/signature.ts';
import { parseAddCheckpoint } from '../../src/tlog-witness.ts';
import { WitnessClient } from './client.ts';

const WITNESS = createSigner('Ed25519', new Uint8Array(32).fill(2));
const KEY = { name: 'w.example/1', publicKey: WITNESS.publicKey.bytes };
const TIME = 1_760_000_000;
const SIZE_TYPE = { 'content-type': 'text/x.tlog.size' };

let note: string;
let line: string;
let foreign: string;
let server: Server;
let asked: { url: string | undefined; body: string }[];

beforeAll(async () => {
  const log = createSigner('Ed25519', new Uint8Array(32).fill(1));
  const head = { origin: 'log.example', size: 7, root: EMPTY_ROOT };
  note = await signCheckpoint(head, log);
  line = await signCosignature(note, { name: KEY.name, time: TIME }, WITNESS);
  const other = await signCheckpoint({ ...head, size: 8 }, log);
  foreign = await signCosignature(other, { name: KEY.name, time: TIME }, WITNESS);
});

afterEach(() => server.close());

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  asked = [];
  server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push({ url: request.url, body: Buffer.concat(chunks).toString() });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (url: string, signal = new AbortController().signal) =>
  new WitnessClient(url, KEY).addCheckpoint({ oldSize: 7, proof: [], note }, signal);

test('asks as the specification says, under a prefix with or without a slash at its end', async () => {
  const url = await serve((response) => response.end(line));
  for (const prefix of [`${url}/w1`, `${url}/w1/`])
    expect(await ask(prefix)).toEqual({
      kind: 'cosigned',
      cosignature: { witness: KEY.name, time: TIME, line },
    });
  expect(asked.map((request) => request.url)).toEqual(['/w1/add-checkpoint', '/w1/add-checkpoint']);
  expect(parseAddCheckpoint(asked[0]?.body ?? '')).toEqual({
    kind: 'ok',
    value: { oldSize: 7, proof: [], note },
  });
});

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: () => string;
}

test.each<[string, Answer, object]>([
  [
    '409 with a size',
    { status: 409, headers: SIZE_TYPE, body: () => '12\n' },
    { kind: 'other-size', size: 12 },
  ],
  ['409 without its type', { status: 409, body: () => '12\n' }, { kind: 'refused' }],
  ['409 with nonsense', { status: 409, headers: SIZE_TYPE, body: () => '-1\n' }, { kind: 'refused' }],
  [
    '409 beyond all numbers',
    { status: 409, headers: SIZE_TYPE, body: () => '9'.repeat(60) },
    { kind: 'refused' },
  ],
  ['409 with two lines', { status: 409, headers: SIZE_TYPE, body: () => '1\n2\n' }, { kind: 'refused' }],
  ['422', { status: 422 }, { kind: 'bad-proof' }],
  ['400', { status: 400 }, { kind: 'refused', reason: 'it answered 400' }],
  ['403', { status: 403 }, { kind: 'refused', reason: expect.stringContaining('verifier key') }],
  ['404', { status: 404 }, { kind: 'refused', reason: expect.stringContaining('does not know this log') }],
  ['429', { status: 429 }, { kind: 'away' }],
  ['500', { status: 500, body: () => line }, { kind: 'away' }],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, { kind: 'refused' }],
  ['204 with nothing', { status: 204 }, { kind: 'refused' }],
  ['200 with nothing', { status: 200 }, { kind: 'refused' }],
  ['200 with a page', { status: 200, body: () => '<html></html>' }, { kind: 'refused' }],
  ['a cosignature of another checkpoint', { status: 200, body: () => foreign }, { kind: 'refused' }],
  ['one right beside one wrong', { status: 200, body: () => line + foreign }, { kind: 'refused' }],
  ['a text of its own', { status: 200, body: () => `more\n\n${line}` }, { kind: 'refused' }],
  ['no text at all', { status: 200, body: () => '\ud800' }, { kind: 'refused' }],
  [
    'more than any answer',
    { status: 200, body: () => 'x'.repeat(70_000) },
    { kind: 'away', reason: 'the answer is too long' },
  ],
])('%s', async (_, { status, headers = {}, body = () => '' }, expected) => {
  const url = await serve((response) => response.writeHead(status, headers).end(body()));
  expect(await ask(url)).toMatchObject(expected);
});

test('an answer without an end is cut off', async () => {
  const url = await serve((response) => {
    response.on('error', () => undefined);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  expect(await ask(url)).toEqual({ kind: 'away', reason: 'the answer is too long' });
});

test('a witness that is not there, hangs up or never answers is away, and no reason tells its address', async () => {
  const url = await serve((response) => response.destroy());
  const answers = [await ask(url), await ask('http://127.0.0.1:1')];
  server.close();
  const silent = await serve(() => closing.abort());
  const closing = new AbortController();
  answers.push(await ask(silent, closing.signal));
  for (const answer of answers) expect(answer).toMatchObject({ kind: 'away' });
  expect(JSON.stringify(answers)).not.toContain('127.0.0.1');
  server.closeAllConnections();
});
