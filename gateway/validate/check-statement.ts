/**
 * What can be said of a message without the log: form, issuer, standing of its device, signature, payload. A function of what it
 * is given and nothing else, so that it may run on any thread.
 */

import { inspectPayload } from '../../src/payload.ts';
import { decodeStatement, type Statement } from '../../src/statement.ts';
import { type Flag, type Parsed, type RejectCode, reject } from '../../src/verdict.ts';
import { type CheckedStatement, OUTCOME } from '../checked-batch.ts';
import { sha256 } from '../crypto/hash.ts';
import type { DeviceStatus } from '../ports.ts';
import { findPackedKey, type PackedKey } from './packed-keys.ts';

export interface Question {
  readonly bytes: Uint8Array;
  readonly receivedAt: number;
  readonly urn: string;
  readonly status: DeviceStatus;
  /** The device's keys, packed. */
  readonly keys: Uint8Array;
  /** The newest boot and one more than the greatest number held in it; NaN when that is not known. */
  readonly boot: number;
  readonly next: number;
  /** The log has said that it does not hold the number. */
  readonly isNotHeld: boolean;
}

export type Answer =
  | { readonly kind: 'checked'; readonly statement: CheckedStatement }
  | { readonly kind: 'reject'; readonly code: RejectCode; readonly detail: string };

/** Verifies under a device key; {@link gateway/crypto/verifier.ts} behind a cache. */
export type Verify = (key: PackedKey, message: Uint8Array, signature: Uint8Array) => boolean;

const NO_FLAGS: readonly Flag[] = [];

export function checkStatement(question: Question, verify: Verify): Answer {
  const decoded = decodeStatement(question.bytes); // attacker-controlled
  if (decoded.kind === 'reject') return decoded;
  const statement = decoded.value;
  if (statement.issuer !== question.urn)
    return reject('wrong-issuer', `issued by ${statement.issuer}, sent as ${question.urn}`);
  if (!question.isNotHeld && mayBeHeld(statement, question))
    return { kind: 'checked', statement: report(statement, OUTCOME.maybeHeld, NO_FLAGS) };
  const flags = checkTruth(statement, question, verify);
  if (flags.kind === 'reject') return flags;
  return { kind: 'checked', statement: report(statement, OUTCOME.verified, flags.value) };
}

/** Whether the log may hold this number already: then it is asked first, which costs less than a verification. */
function mayBeHeld({ boot, seq }: Statement, question: Question): boolean {
  const isBeyond = boot > question.boot || (boot === question.boot && seq >= question.next);
  return !isBeyond; // with NaN nothing is beyond
}

/** Standing, key, signature and payload, cheapest first; the flags the payload earns. */
function checkTruth(statement: Statement, question: Question, verify: Verify): Parsed<readonly Flag[]> {
  const { urn, status } = question;
  if (status === 'revoked') return reject('revoked-device', `${urn} has been revoked`);
  const key = findPackedKey(question.keys, statement.kid);
  if (key === undefined || key.algorithm !== statement.algorithm)
    return reject('unknown-key', `${urn} has no ${statement.algorithm} key of this id`);
  if (key.retiredAt !== undefined)
    return reject('retired-key', `the key was retired at ${new Date(key.retiredAt).toISOString()}`);
  if (!verify(key, statement.signedBytes, statement.signature))
    return reject('bad-signature', 'the signature is not one of the named key over these bytes');
  // Only what the device truly signed is told that it is suspended: others learn nothing of it.
  if (status === 'suspended')
    return reject('suspended-device', `${urn} is suspended; resume it when the cause is known`);
  const payload = inspectPayload(statement.contentType, statement.payload);
  return payload.kind === 'reject' ? payload : { kind: 'ok', value: payload.value.flags };
}

function report(statement: Statement, outcome: 0 | 1, flags: readonly Flag[]): CheckedStatement {
  const { kid, prev, boot, seq, issuedAt } = statement;
  return { outcome, entry: sha256(statement.bytes), kid, prev, boot, seq, issuedAt, flags };
}
