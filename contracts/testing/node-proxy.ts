/** A way to a node over real HTTP, with a hand in between that may change, hold back or invent answers. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What is answered instead of a `result`. */
export type Odd =
  | { readonly odd: 'refusal'; readonly code: number; readonly message: string }
  | { readonly odd: 'status'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  /** These bytes, and the end of the connection. */
  | { readonly odd: 'bytes'; readonly bytes: string; readonly cut?: boolean }
  | { readonly odd: 'silence' };

/** Asks the node behind: the call itself, or another one. */
export type Truth = (other?: RpcCall) => Promise<unknown>;

/** The answer to a call: a `result`, or something odd. */
export type Hand = (call: RpcCall, truth: Truth) => unknown;

export const honest: Hand = (_call, truth) => truth();

/** The answer of a node that does not have a method. */
export const NO_SUCH_METHOD: Odd = { odd: 'refusal', code: -32601, message: 'the method does not exist' };

/** Answers methods of this name by `answer`, the rest truly. */
export function on(method: string, answer: Hand): Hand {
  return (call, truth) => (call.method === method ? answer(call, truth) : truth());
}

export class NodeProxy {
  /** What is between; may be changed at any time. */
  hand: Hand;
  /** Methods asked, in order. */
  readonly asked: string[] = [];
  readonly #node: () => string;
  readonly #server: Server;

  private constructor(node: () => string, hand: Hand) {
    this.#node = node;
    this.hand = hand;
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => void this.#answer(body, response).catch(() => response.destroy()));
    });
  }

  /** `node`: the URL of the node, asked anew each time. */
  static async start(node: () => string, hand: Hand = honest): Promise<NodeProxy> {
    const proxy = new NodeProxy(node, hand);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A batch is answered as one, and oddly when one of its calls is. */
  async #answer(body: string, response: ServerResponse): Promise<void> {
    const asked = JSON.parse(body) as WireCall | readonly WireCall[];
    const answers = await Promise.all([asked].flat().map((call) => this.#answerOne(call)));
    const odd = answers.find(isOdd);
    if (odd === undefined) response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]));
    else answerOddly(odd, response);
  }

  /** The JSON-RPC object, or what comes in its place. */
  async #answerOne({ id, method, params }: WireCall): Promise<unknown> {
    this.asked.push(method);
    const truth: Truth = (other = { method, params }) => askNode(this.#node(), other);
    const answer = await this.hand({ method, params }, truth);
    if (!isOdd(answer)) return { jsonrpc: '2.0', id, result: answer };
    if (answer.odd !== 'refusal') return answer;
    const { odd: _, ...error } = answer;
    return { jsonrpc: '2.0', id, error };
  }
}

type WireCall = RpcCall & { readonly id: number };

function answerOddly(answer: Odd, response: ServerResponse): void {
  if (answer.odd === 'status') response.writeHead(answer.status, answer.headers).end();
  else if (answer.odd === 'bytes' && answer.cut) response.write(answer.bytes, () => response.destroy());
  else if (answer.odd === 'bytes') response.end(answer.bytes);
}

/** One question to the node; its refusal as a value. */
async function askNode(url: string, { method, params }: RpcCall): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const headers = { 'content-type': 'application/json' };
  const answer = (await (await fetch(url, { method: 'POST', headers, body })).json()) as {
    result?: unknown;
    error?: { code: number; message: string };
  };
  return answer.error === undefined ? answer.result : ({ odd: 'refusal', ...answer.error } satisfies Odd);
}

function isOdd(answer: unknown): answer is Odd {
  return typeof answer === 'object' && answer !== null && 'odd' in answer;
}
