/** A node that answers as another does, but for what a test has it say: a hostile or limited RPC endpoint. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}
type Reply =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } };

export interface LyingNode {
  readonly url: string;
  /** What it says instead of the truth; the truth itself unless a test sets this. */
  alter: (method: string, truth: Reply, params: readonly unknown[]) => Reply;
  /** The methods it was asked for, in order. */
  readonly asked: string[];
  stop(): void;
}

/** The answer of a node that does not have a method. */
export const NO_SUCH_METHOD: Reply = { error: { code: -32601, message: 'the method does not exist' } };

export async function startLyingNode(honestUrl: string): Promise<LyingNode> {
  const answer = async (call: Call): Promise<object> => {
    node.asked.push(call.method);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(honestUrl, { method: 'POST', headers, body: JSON.stringify(call) });
    const {
      jsonrpc: _,
      id: __,
      ...truth
    } = (await response.json()) as Reply & { jsonrpc: string; id: number };
    return { jsonrpc: '2.0', id: call.id, ...node.alter(call.method, truth as Reply, call.params) };
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', async () => {
      const calls = JSON.parse(Buffer.concat(parts).toString('utf8')) as Call | Call[];
      const answers = Array.isArray(calls) ? await Promise.all(calls.map(answer)) : await answer(calls);
      response.end(JSON.stringify(answers));
    });
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const node: LyingNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alter: (_method, truth) => truth,
    asked: [],
    stop: () => server.close().closeAllConnections(),
  };
  return node;
}
