/** Who is asking, by bearer token (RFC 6750). Tokens are compared by their SHA-256, in constant time. */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { hexToBytes } from '../../src/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import type { LogEntry } from '../ports.ts';

export type Role = 'admin' | 'auditor' | 'provider' | 'patient';

export interface AccessToken {
  readonly name: string;
  readonly role: Role;
  readonly subject?: string | undefined;
  readonly tokenSha256: string;
}

export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly subject?: string | undefined;
}

export class AccessList {
  readonly #tokens: readonly { caller: Caller; digest: Uint8Array }[];

  constructor(tokens: readonly AccessToken[]) {
    this.#tokens = tokens.map(({ name, role, subject, tokenSha256 }) => ({
      caller: { name, role, subject },
      digest: hexToBytes(tokenSha256),
    }));
  }

  /** The caller behind the request's token; undefined when there is none or it is unknown. */
  identify(request: FastifyRequest): Caller | undefined {
    const match = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? ''); // attacker-controlled
    if (match?.[1] === undefined) return undefined;
    const digest = sha256(Buffer.from(match[1]));
    let found: Caller | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token.caller;
    return found;
  }
}

/** Whether a caller may have the receipt, and so the reading, of an entry. */
export function mayReadEntry(caller: Caller, entry: LogEntry): boolean {
  switch (caller.role) {
    case 'admin':
    case 'auditor':
      return true;
    case 'provider':
      return entry.provider !== undefined && entry.provider === caller.subject;
    case 'patient':
      return entry.patient !== undefined && entry.patient === caller.subject;
  }
}
