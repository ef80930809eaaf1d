/** Randomness for identifiers. */
import { randomBytes } from 'node:crypto';

const CTI_BYTES = 16;

/** A fresh CWT id (RFC 8392 section 3.1.7): makes each statement of the log operator unique and its hash unguessable. */
export function randomCti(): Uint8Array {
  return Uint8Array.from(randomBytes(CTI_BYTES));
}

/** 32 random bytes that never leave the process. */
export function randomSecret(): Uint8Array {
  return Uint8Array.from(randomBytes(32));
}
