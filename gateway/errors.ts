/** Failures of ours or of what we depend on, as opposed to bad input (a verdict) and misuse (a TypeError). */
export const GATEWAY_ERROR_CODES = [
  'config-invalid',
  'data-directory-in-use',
  'store-unavailable',
  'store-corrupt',
  'disk-full',
  'port-in-use',
  'key-unreadable',
  'chain-unreachable',
  'chain-mismatch',
  'log-forked',
  'anchor-failed',
  'signer-failed',
  'witness-unreachable',
  'witness-refused',
  'witness-conflict',
  'timestamp-failed',
  'delivery-failed',
  'check-failed',
  'overloaded',
  'held-back-full',
  'shutting-down',
] as const;
export type GatewayErrorCode = (typeof GATEWAY_ERROR_CODES)[number];

export interface GatewayErrorOptions {
  /** Fatal: the process must stop and recover by restart, because its memory may no longer match the store. */
  readonly fatal?: boolean;
  readonly cause?: unknown;
  /** Facts for the log line. Never a payload, a key, or a URL's credentials. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** One failure: what happened, to what, and what to do, in the message; the rest as fields. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;
  readonly fatal: boolean;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: GatewayErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fatal = options.fatal ?? false;
    this.details = options.details ?? {};
  }
}

/** Of a failure that lies in the state of one device: its statements are not taken for now, those of all others are. */
export const WITHHELD = { withheld: true } as const;

/** Whether a statement is not acknowledged for the state of its device. That may pass, but to try again at once helps nobody. */
export function isWithheld(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.details['withheld'] === true;
}
