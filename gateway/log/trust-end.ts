/** When the trust in a key or a device ends: at once, since an earlier time, or at a time to come. */
import { type EndReason, isExposed } from '../../src/log-statement.ts';
import type { TrustEnd } from '../store/device-key-store.ts';
import type { RequestedEnd } from './device-requests.ts';

/** A requested end as of the moment it is carried out. Seconds since the Unix epoch, like the events that record it. */
export type EndTime =
  | { readonly kind: 'planned'; readonly at: number }
  | { readonly kind: 'now' }
  | { readonly kind: 'earlier'; readonly since: number };

/** Times of events count in whole seconds, so the running second is now. */
export function endTime({ effective }: RequestedEnd, nowMs: number): EndTime {
  const now = Math.floor(nowMs / 1000);
  if (effective === undefined || effective === now) return { kind: 'now' };
  return effective > now ? { kind: 'planned', at: effective } : { kind: 'earlier', since: effective };
}

/** Whether an end takes away trust that an earlier one left. Only then is there anything to record. */
export function takesMore(
  event: 'retire-key' | 'revoke',
  before: Pick<TrustEnd, 'from' | 'reason'>,
  after: Pick<TrustEnd, 'from' | 'reason'>,
): boolean {
  return after.from < before.from || (isExposed(event, after.reason) && !isExposed(event, before.reason));
}

/** Two ends together: the earlier time, the smaller log, and the graver reason. */
export function strictest(
  event: 'retire-key' | 'revoke',
  before: TrustEnd | undefined,
  after: TrustEnd,
): TrustEnd {
  if (before === undefined) return after;
  const isBeforeGraver = isExposed(event, before.reason) && !isExposed(event, after.reason);
  const reason: EndReason | undefined = isBeforeGraver ? before.reason : after.reason;
  return { from: Math.min(before.from, after.from), size: Math.min(before.size, after.size), reason };
}
