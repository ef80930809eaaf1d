/**
 * JSON-RPC 2.0 over HTTP to one node, on the assumption that the node is slow, broken or hostile: every call has
 * a deadline, every answer a size limit, redirects are not followed, and nothing is retried here.
 */
import { GuardedUrl } from '../../contracts/guarded-url.ts';
import { GatewayError } from '../errors.ts';

/** Far above nearly any answer we ask for (a block header, a receipt of one event). */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** A node's error text goes into log lines; past this it is noise. */
const MAX_DETAIL_CHARS = 200;
const MEANWHILE = 'anchoring goes on when it answers, readings are taken meanwhile';

/** EIP-1474: limit exceeded. */
const LIMIT_EXCEEDED = -32005;
/** Hosted nodes put the HTTP status into the JSON-RPC error, or say it in words. */
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
const LIMIT_WORDS = /rate.?limit|too many requests|request limit|quota exceeded/i;

export interface RpcOptions {
  /** http or https. Credentials in it are sent as basic authentication and never shown. */
  readonly url: string;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
  /** What its errors say goes on without an answer: the gateway's work unless given, nothing when empty. */
  readonly meanwhile?: string;
  /** 4 MiB unless the answers are larger by nature. */
  readonly maxAnswerBytes?: number;
}

/** The node answered, and the answer was an error. `message` and `data` are text from outside. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data: unknown) {
    super(printable(message));
    this.code = code;
    this.data = data;
  }
}

/** The node is there, but wants to be asked less. Nothing is known, as with any other missing answer. */
export class NodeBusyError extends GatewayError {
  /** How long it wants to be left alone, when it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(node: string, method: string, retryAfterMs: number | undefined, meanwhile = MEANWHILE) {
    const wait = retryAfterMs === undefined ? '' : `, for ${Math.ceil(retryAfterMs / 1000)} s`;
    const message = `the node at ${node} refused ${method} because it is asked too much${wait}`;
    super('chain-unreachable', withMeanwhile(message, meanwhile), { details: { node } });
    this.retryAfterMs = retryAfterMs;
  }
}

export class RpcClient {
  readonly #url: GuardedUrl;
  readonly #timeoutMs: number;
  readonly #maxAnswerBytes: number;
  readonly #meanwhile: string;
  readonly #options: RpcOptions;
  readonly #closed = new AbortController();
  /** What ends a call beside its own deadline: `close`, also of the client that this one is from, and the deadline of all calls. */
  readonly #ends: readonly AbortSignal[];
  readonly #deadlineOfAll: AbortSignal | undefined;
  #nextId = 1;
  /** The address without credentials, path and query: hosted nodes keep their API keys there. */
  readonly name: string;

  constructor(options: RpcOptions, from?: { readonly client: RpcClient; readonly deadline: AbortSignal }) {
    this.#url = new GuardedUrl(options.url);
    this.name = this.#url.name;
    this.#timeoutMs = options.timeoutMs;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
    this.#meanwhile = options.meanwhile ?? MEANWHILE;
    this.#options = options;
    this.#deadlineOfAll = from?.deadline;
    this.#ends = [this.#closed.signal, ...(from === undefined ? [] : [from.deadline, ...from.client.#ends])];
  }

  /** The same node for several calls, which have `ms` all together, from now on. Closed with this one. */
  within(ms: number): RpcClient {
    return new RpcClient(this.#options, { client: this, deadline: AbortSignal.timeout(ms) });
  }

  /**
   * The `result` of one call, unchecked.
   * @throws RpcError when the node answers with an error; GatewayError `chain-unreachable` for everything else.
   */
  async call(method: string, params: readonly unknown[]): Promise<unknown> {
    const id = this.#nextId++;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const signal = AbortSignal.any([deadline, ...this.#ends]);
    let text: string;
    try {
      const response = await fetch(this.#url.href, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#url.headers },
        body,
        signal,
        redirect: 'error',
      });
      this.#assertNotBusy(response, method);
      text = await this.#readBody(response, method);
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      if (deadline.aborted) throw this.unreachable(`did not answer ${method} within ${this.#timeoutMs} ms`);
      if (this.#deadlineOfAll?.aborted)
        throw this.unreachable(`has not answered ${method} when the time for all of it was over`);
      throw this.unreachable(
        `could not be asked for ${method}: ${printable(this.#url.conceal(rootCause(cause)))}`,
      );
    }
    return this.#unwrap(text, id, method);
  }

  /** Rejects the calls under way and those to come. */
  close(): void {
    this.#closed.abort(new Error('the chain connection is closed'));
  }

  /** The error for a node that gave no usable answer. */
  unreachable(what: string): GatewayError {
    const message = withMeanwhile(`the node at ${this.name} ${what}`, this.#meanwhile);
    return new GatewayError('chain-unreachable', message, { details: { node: this.name } });
  }

  #assertNotBusy(response: Response, method: string): void {
    const retryAfter = response.headers.get('retry-after');
    const isBusy =
      response.status === TOO_MANY_REQUESTS ||
      (response.status === SERVICE_UNAVAILABLE && retryAfter !== null);
    if (!isBusy) return;
    void response.body?.cancel().catch(() => undefined);
    throw new NodeBusyError(this.name, method, readRetryAfter(retryAfter), this.#meanwhile);
  }

  async #readBody(response: Response, method: string): Promise<string> {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    let received = 0;
    // attacker-controlled
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      received += part.value.length;
      if (received > this.#maxAnswerBytes) {
        await reader?.cancel();
        throw this.unreachable(`answered ${method} with more than ${this.#maxAnswerBytes} bytes`);
      }
      text += decoder.decode(part.value, { stream: true });
    }
    // Some nodes send a JSON-RPC error with an HTTP error status; without a JSON body the status is all there is.
    if (!response.ok && !text.trimStart().startsWith('{')) {
      throw this.unreachable(`answered ${method} with HTTP status ${response.status}`);
    }
    return text + decoder.decode();
  }

  #unwrap(text: string, id: number, method: string): unknown {
    let answer: unknown;
    try {
      answer = JSON.parse(text); // attacker-controlled
    } catch {
      const what = text.trimStart().startsWith('<') ? 'a web page, not JSON' : 'something that is not JSON';
      throw this.unreachable(`answered ${method} with ${what}`);
    }
    if (!isObject(answer)) throw this.unreachable(`answered ${method} with no JSON-RPC object`);
    const error = answer['error'];
    if (isObject(error)) {
      const code = typeof error['code'] === 'number' ? error['code'] : 0;
      const said = this.#url.conceal(typeof error['message'] === 'string' ? error['message'] : 'no message');
      if (code === LIMIT_EXCEEDED || code === TOO_MANY_REQUESTS || LIMIT_WORDS.test(said))
        throw new NodeBusyError(this.name, method, undefined, this.#meanwhile);
      throw new RpcError(code, said, error['data']);
    }
    if (answer['id'] !== id || !('result' in answer))
      throw this.unreachable(`answered ${method} out of turn`);
    return answer['result'];
  }
}

function withMeanwhile(message: string, meanwhile: string): string {
  return meanwhile === '' ? message : `${message}; ${meanwhile}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 9110 section 10.2.3: seconds, or a date. In ms from now, `undefined` for anything else. */
function readRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** `fetch failed` says nothing; what it wraps (ECONNREFUSED, ENOTFOUND) does. */
function rootCause(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 4 && current instanceof Error && current.cause instanceof Error; depth++)
    current = current.cause;
  return current instanceof Error ? current.message || current.name : String(current);
}

/** One short line without control characters, so that a node cannot write into our log as it pleases. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_DETAIL_CHARS);
}
