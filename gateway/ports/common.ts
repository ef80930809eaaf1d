/** What every stage may use. */

/** The gateway's clock, handed in so that tests can set it. */
export interface Clock {
  now(): number;
}

/** The few log levels a stage uses. Fields carry no payload, no key, no credentials. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Inclusive at both ends. */
export interface SequenceRange {
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}
