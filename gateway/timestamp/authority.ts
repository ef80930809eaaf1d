/** The one place where a timestamping authority is spoken to (RFC 3161 section 3.4). Redirects are not followed; every answer is hostile. */
import {
  encodeTimestampRequest,
  readTimestampResponse,
  TIMESTAMP_MAX_BYTES,
  type TimestampRequest,
  type TimestampToken,
} from '../../src/timestamp/rfc3161.ts';
import type { Parsed } from '../../src/verdict.ts';
import { readBounded, whyNoAnswer } from '../bounded-answer.ts';

/** An authority that takes longer is treated as not there. */
const TIMEOUT_MS = 30_000;

export type Stamped = Parsed<{ readonly bytes: Uint8Array; readonly token: TimestampToken }, string>;

export class TimestampAuthority {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Asks for a timestamp. What is wrong comes as a rejected value, whose reason names neither URL nor what the answer held. */
  async stamp(request: TimestampRequest, closing: AbortSignal): Promise<Stamped> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/timestamp-query' },
        body: Buffer.from(encodeTimestampRequest(request)),
        redirect: 'manual',
        signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      if (response.status === 200)
        return readTimestampResponse(await readBounded(response, TIMESTAMP_MAX_BYTES), request);
      await response.body?.cancel();
      return failed(`it answered ${response.status}`);
    } catch (error) {
      return failed(whyNoAnswer(error));
    }
  }
}

function failed(detail: string): Stamped {
  return { kind: 'reject', code: 'no-answer', detail };
}
