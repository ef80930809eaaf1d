/** What a test asks of a verdict. */
import type { Verdict } from '../../ports.ts';

/** `accept`, or why not. */
export const codeOf = (verdict: Verdict): string => (verdict.kind === 'accept' ? 'accept' : verdict.code);

/** Where a statement came to stand, or why nowhere. */
export const placeOf = (verdict: Verdict) =>
  verdict.kind === 'accept' ? { seq: verdict.seq, flags: verdict.flags } : { code: verdict.code };
