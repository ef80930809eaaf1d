/** The one place where the deliverer speaks HTTP. Redirects are not followed; what a provider answers is not read. */
import http from 'node:http';
import https from 'node:https';

/** What counts of an answer. */
export interface HttpAnswer {
  readonly status: number;
  /** The Retry-After header as sent. */
  readonly retryAfter?: string;
}

export interface HttpPostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Aborts the attempt: its deadline, or the gateway stopping. */
  readonly signal: AbortSignal;
}

/** An attempt that got no answer. The message names the reason, never the URL: that may hold credentials. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** A longer answer is not worth keeping the connection for. */
const DRAIN_LIMIT_BYTES = 16 * 1024;

/** Posts to one provider over connections of its own, so that no other provider can use them up. */
export class HttpPoster {
  readonly #http = new http.Agent({ keepAlive: true, maxSockets: 2 });
  readonly #https = new https.Agent({ keepAlive: true, maxSockets: 2 });

  /** Resolves with the status as soon as it is known. Rejects with NoAnswerError when none comes. */
  async post(request: HttpPostRequest): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    try {
      const outgoing = this.#open(request);
      outgoing.on('response', (response) => {
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, ...(retryAfter === undefined ? {} : { retryAfter }) });
        discard(response);
      });
      outgoing.on('error', (cause) => reject(noAnswer(cause, request.signal)));
      outgoing.end(request.body);
    } catch (cause) {
      reject(noAnswer(cause, request.signal));
    }
    return promise;
  }

  /** Drops every connection, idle or in use. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #open({ url, headers, body, signal }: HttpPostRequest): http.ClientRequest {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.length) },
      signal,
    };
    return url.startsWith('https:')
      ? https.request(url, { ...options, agent: this.#https })
      : http.request(url, { ...options, agent: this.#http });
  }
}

/** Throws a short answer away, so that the connection can be used again, and a long one with its connection. */
function discard(response: http.IncomingMessage): void {
  let left = DRAIN_LIMIT_BYTES;
  response.on('error', () => {});
  response.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) response.destroy();
  });
}

function noAnswer(cause: unknown, signal: AbortSignal): NoAnswerError {
  if (signal.aborted) {
    const timeout = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
    return new NoAnswerError(timeout ? 'no answer in time' : 'the attempt was stopped', { cause });
  }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown failure';
  return new NoAnswerError(`no answer (${code})`, { cause });
}
