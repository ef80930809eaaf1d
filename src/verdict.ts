/**
 * The closed set of words for what the gateway decides about a statement.
 *
 * A code is at once log field, metric label, quarantine reason and row of docs/errors.md.
 */

/** Why a statement can never become valid. */
export const REJECT_CODES = [
  'malformed',
  'not-deterministic',
  'oversize',
  'unknown-device',
  'unknown-key',
  'retired-key',
  'revoked-device',
  'suspended-device',
  'bad-signature',
  'wrong-issuer',
  'equivocation',
] as const;
export type RejectCode = (typeof REJECT_CODES)[number];

/** Why a statement was set aside without harm. */
export const IGNORE_CODES = ['duplicate'] as const;
export type IgnoreCode = (typeof IGNORE_CODES)[number];

/** What is worth knowing about an accepted statement; never a reason to refuse it. */
export const FLAGS = [
  'gap',
  'broken-chain',
  'backfill',
  'clock-unset',
  'clock-ahead',
  'clock-behind',
  'implausible',
  'test-data',
] as const;
export type Flag = (typeof FLAGS)[number];

/** The outcome of reading bytes from outside: the value, or the code and a sentence that says what and where. */
export type Parsed<T, Code extends string = RejectCode> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'reject'; readonly code: Code; readonly detail: string };

export function ok<T>(value: T): { readonly kind: 'ok'; readonly value: T } {
  return { kind: 'ok', value };
}

export function reject<Code extends string>(
  code: Code,
  detail: string,
): { readonly kind: 'reject'; readonly code: Code; readonly detail: string } {
  return { kind: 'reject', code, detail };
}
