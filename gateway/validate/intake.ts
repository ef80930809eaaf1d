/**
 * The way of one message: size, known device, decode, seen already?, signature, payload; then the log, which looks again
 * under its lock. Every answer is durable when it is given.
 */
import { equalBytes } from '../../src/bytes.ts';
import { inspectPayload } from '../../src/payload.ts';
import { decodeStatement, type Statement } from '../../src/statement.ts';
import { type Parsed, type RejectCode, reject } from '../../src/verdict.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Candidate, EnrolledDevice, Inbound, Intake, LogWriter, Registry, Verdict } from '../ports.ts';

export interface IntakeOptions {
  readonly registry: Registry;
  readonly log: LogWriter;
  /** Longest statement taken, in bytes. */
  readonly maxStatementBytes: number;
  /** Called with every verdict, once it is durable. */
  readonly onVerdict: (verdict: Verdict, inbound: Inbound) => void;
}

/** What the checks before the log found: go on, seen before, or refused. */
type Checked =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  | { readonly kind: 'seen'; readonly index: number }
  | {
      readonly kind: 'reject';
      readonly code: RejectCode;
      readonly detail: string;
      readonly device?: EnrolledDevice;
    };

/** Takes statements in. One instance serves every source. */
export class StatementIntake implements Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** What waits here is bounded by what the sources read at once. */
  room(): undefined {
    return undefined;
  }

  async submit(inbound: Inbound): Promise<Verdict> {
    const verdict = await this.#settle(inbound, this.#check(inbound));
    this.#options.onVerdict(verdict, inbound);
    return verdict;
  }

  #settle(inbound: Inbound, checked: Checked): Promise<Verdict> | Verdict {
    switch (checked.kind) {
      case 'seen':
        return { kind: 'ignore', code: 'duplicate', index: checked.index };
      case 'reject':
        return this.#options.log.quarantine({
          inbound,
          code: checked.code,
          detail: checked.detail,
          device: checked.device,
        });
      case 'candidate':
        return this.#options.log.append(checked.candidate);
    }
  }

  #check(inbound: Inbound): Checked {
    const { registry, log, maxStatementBytes } = this.#options;
    if (inbound.bytes.length > maxStatementBytes) {
      return reject(
        'oversize',
        `${inbound.bytes.length} bytes; the longest statement taken is ${maxStatementBytes}`,
      );
    }
    const device = registry.find(inbound.device);
    if (device === undefined) return reject('unknown-device', `${inbound.device} is not enrolled`);
    const decoded = decodeStatement(inbound.bytes); // attacker-controlled
    if (decoded.kind === 'reject') return { ...decoded, device };
    const statement = decoded.value;
    if (statement.issuer !== device.urn) {
      return { ...reject('wrong-issuer', `issued by ${statement.issuer}, sent as ${device.urn}`), device };
    }
    const entry = sha256(statement.bytes);
    const held = log.held(device, statement.boot, statement.seq);
    if (held !== undefined && equalBytes(held.entry, entry)) return { kind: 'seen', index: held.index };
    const flags = checkStatement(statement, device, inbound.receivedAt);
    if (flags.kind === 'reject') return { ...flags, device };
    return {
      kind: 'candidate',
      candidate: { statement, entry, device, flags: flags.value, receivedAt: inbound.receivedAt },
    };
  }
}

/** Standing, key, signature and payload, cheapest first; the flags the payload earns. */
function checkStatement(
  statement: Statement,
  device: EnrolledDevice,
  receivedAt: number,
): Parsed<Candidate['flags']> {
  if (device.status === 'revoked') return reject('revoked-device', `${device.urn} has been revoked`);
  const key = device.key(statement.kid);
  if (key === undefined || key.algorithm !== statement.algorithm) {
    return reject('unknown-key', `${device.urn} has no ${statement.algorithm} key of this id`);
  }
  if (key.retiredAt !== undefined && key.retiredAt <= receivedAt) {
    return reject('retired-key', `the key was retired at ${new Date(key.retiredAt).toISOString()}`);
  }
  if (!key.verify(statement.signedBytes, statement.signature)) {
    return reject('bad-signature', `the signature is not one of the named key over these bytes`);
  }
  // Only what the device truly signed is told that it is suspended: others learn nothing of it.
  if (device.status === 'suspended')
    return reject('suspended-device', `${device.urn} is suspended; resume it when the cause is known`);
  const payload = inspectPayload(statement.contentType, statement.payload);
  return payload.kind === 'reject' ? payload : { kind: 'ok', value: payload.value.flags };
}
