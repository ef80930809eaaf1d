/** What an answer means for a batch, and when to try again. Pure; the table is docs/operations.md's. */
import type { HttpAnswer } from './http-post.ts';

export type Outcome =
  | { readonly kind: 'delivered' }
  /** 413: send less at a time. */
  | { readonly kind: 'too-large'; readonly error: string }
  /** The provider will never take this batch as it is. */
  | { readonly kind: 'dead'; readonly error: string }
  | {
      readonly kind: 'retry';
      readonly error: string;
      /** The failure may lie in this very batch: endless attempts would hold up what stands behind it. */
      readonly refused: boolean;
      /** What the provider asked for, as sent. */
      readonly retryAfter?: string;
    };

/**
 * Answers below 500 that heal without a change to the batch: the provider's access rules, address or keys are being
 * put right (401, 403, 404, 407, 421), or it is busy (408, 409, 423, 425, 429).
 */
const HEALING = new Set([401, 403, 404, 407, 408, 409, 421, 423, 425, 429]);

/** The provider, or what stands before it, is away; the batch is not to blame. */
const AWAY = new Set([502, 503, 504]);

/** Reads one answer. Every other 4xx says that the request itself is wrong, which sending it again cannot change. */
export function judgeAnswer({ status, retryAfter }: HttpAnswer): Outcome {
  const error = `the provider answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 413) return { kind: 'too-large', error };
  const hint = retryAfter === undefined ? {} : { retryAfter };
  if (status >= 300 && status < 400) {
    return {
      kind: 'retry',
      error: `${error}: redirects are not followed, set its url`,
      refused: false,
      ...hint,
    };
  }
  if (status >= 400 && status < 500 && !HEALING.has(status)) return { kind: 'dead', error };
  const refused = !HEALING.has(status) && !AWAY.has(status);
  return { kind: 'retry', error, refused, ...hint };
}

/**
 * Retry-After (RFC 9110 section 10.2.3) as milliseconds from now: whole seconds or an HTTP date.
 * `undefined` when it is neither. A date in the past gives 0.
 */
export function parseRetryAfter(text: string, now: number): number | undefined {
  if (/^[0-9]{1,10}$/.test(text.trim())) return Number(text) * 1000;
  // Date.parse takes far more than HTTP dates: of the three forms of RFC 9110 section 5.6.7 only the first is sent today.
  if (!/^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/.test(text.trim()))
    return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}

export interface RetrySettings {
  /** First delay. Later ones double. */
  readonly baseMs: number;
  readonly capMs: number;
  /** The longest a provider may ask to be left alone. */
  readonly retryAfterCapMs: number;
}

/**
 * How long to wait after a failed attempt, in milliseconds.
 * Half of it is jitter, so that gateways which failed together do not come back together.
 * @param earlier attempts that failed before this one
 * @param random in [0, 1)
 */
export function retryDelay(
  earlier: number,
  settings: RetrySettings,
  { random, retryAfterMs }: { readonly random: number; readonly retryAfterMs?: number },
): number {
  // The floor keeps "Retry-After: 0" from becoming a busy loop.
  if (retryAfterMs !== undefined)
    return Math.min(Math.max(retryAfterMs, settings.baseMs), settings.retryAfterCapMs);
  const full = Math.min(settings.capMs, settings.baseMs * 2 ** Math.min(earlier, 30));
  return Math.round(full / 2 + (full / 2) * random);
}
