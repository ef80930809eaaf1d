/** Appends statements and quarantines refusals, each within a group commit. */
import { decodeStatement } from '../../src/statement.ts';
import type { RejectCode } from '../../src/verdict.ts';
import { sha256 } from '../crypto/hash.ts';
import { seal } from '../crypto/vault.ts';
import type { Candidate, EnrolledDevice, LogWriter, Refusal, SequenceRange, Verdict } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { SequenceStore } from '../store/sequence-store.ts';
import type { Committer } from './committer.ts';
import type { EntryBook } from './entries.ts';
import type { Keyring } from './keyring.ts';
import { judgeSequence, type ReadPrev, recordSequence } from './sequence.ts';

/** Of a longer message only the beginning is kept, enough to recognise what sent it. */
const QUARANTINED_BYTES_MAX = 64 * 1024;
const RECOGNISED_BYTES = 1024;

export interface WriterParts {
  readonly committer: Committer;
  readonly book: EntryBook;
  readonly keys: Keyring;
  readonly log: LogStore;
  readonly sequences: SequenceStore;
  readonly quarantine: QuarantineStore;
  readonly registry: RegistryStore;
  /** Suspend a device that signs two statements for one number. */
  readonly suspendOnEquivocation: boolean;
  /** Asks the device to send again what a gap left out; called after the commit. */
  readonly onGap: (device: string, gap: SequenceRange) => void;
  /** Called after a commit that changed what a device may do. */
  readonly onDeviceChanged: (urn: string) => void;
}

/** The log's side of `LogWriter`. */
export class StatementWriter implements LogWriter {
  readonly #parts: WriterParts;
  readonly #readPrev: ReadPrev;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#readPrev = (index) => {
      const row = parts.log.entry(index);
      const bytes = row && parts.book.bytesOf(row);
      const statement = bytes && decodeStatement(bytes);
      return statement?.kind === 'ok' ? statement.value.prev : undefined;
    };
  }

  held(device: EnrolledDevice, boot: number, seq: number): { index: number; entry: Uint8Array } | undefined {
    const row = this.#parts.log.bySequence(device.id, boot, seq);
    return row && { index: row.idx, entry: row.entry };
  }

  async append(candidate: Candidate): Promise<Verdict> {
    const { book, committer, onGap, onDeviceChanged } = this.#parts;
    book.requireKey(candidate.device.owner);
    const outcome = await committer.run(() => this.#commit(candidate), candidate.statement.bytes.length);
    if (outcome.gap !== undefined) onGap(candidate.device.urn, outcome.gap);
    if (outcome.suspended) onDeviceChanged(candidate.device.urn);
    return outcome.verdict;
  }

  async quarantine(refusal: Refusal): Promise<Verdict> {
    await this.#parts.committer.run(
      () => this.#keep(refusal),
      Math.min(refusal.inbound.bytes.length, QUARANTINED_BYTES_MAX),
    );
    return { kind: 'reject', code: refusal.code, detail: refusal.detail };
  }

  /** Inside the transaction: the last look, then the record. */
  #commit(candidate: Candidate): { verdict: Verdict; gap?: SequenceRange; suspended?: boolean } {
    const { book, log, sequences, registry } = this.#parts;
    const { statement, device } = candidate;
    const judged = judgeSequence(log, sequences, candidate, this.#readPrev);
    if (judged.kind === 'duplicate')
      return { verdict: { kind: 'ignore', code: 'duplicate', index: judged.index } };
    const standing = this.#standingRefusal(candidate);
    if (standing !== undefined) return { verdict: this.#refuse(candidate, standing.code, standing.detail) };
    if (judged.kind === 'equivocation') return this.#refuseEquivocation(candidate, judged.index);
    const index = book.append({
      kind: 'statement',
      bytes: statement.bytes,
      entry: candidate.entry,
      owner: device.owner,
      receivedAt: candidate.receivedAt,
      device: device.id,
      provider: device.provider,
      boot: statement.boot,
      seq: statement.seq,
      flags: judged.flags,
    });
    recordSequence(sequences, candidate, judged);
    registry.countStatement(device.id, candidate.receivedAt);
    const verdict: Verdict = {
      kind: 'accept',
      index,
      boot: statement.boot,
      seq: statement.seq,
      flags: judged.flags,
    };
    return judged.gap === undefined ? { verdict } : { verdict, gap: judged.gap };
  }

  /**
   * Device and key as the log has them now: an event may have been committed since the statement was checked, and nothing of a
   * device may follow its revocation, its suspension or its key's retirement in the log.
   */
  #standingRefusal({ statement, device }: Candidate): { code: RejectCode; detail: string } | undefined {
    const standing = this.#parts.registry.standing(device.id, statement.kid);
    if (standing === undefined) return { code: 'unknown-key', detail: `${device.urn} has no key of this id` };
    if (standing.status === 'revoked')
      return { code: 'revoked-device', detail: `${device.urn} has been revoked` };
    if (standing.retired) return { code: 'retired-key', detail: `the key of ${device.urn} has been retired` };
    if (standing.status === 'suspended')
      return { code: 'suspended-device', detail: `${device.urn} is suspended` };
    return undefined;
  }

  #refuse(candidate: Candidate, code: RejectCode, detail: string): Verdict {
    const { statement, device, receivedAt } = candidate;
    this.#keep({ inbound: { device: device.urn, bytes: statement.bytes, receivedAt }, code, detail, device });
    return { kind: 'reject', code, detail };
  }

  #refuseEquivocation(candidate: Candidate, heldIndex: number): { verdict: Verdict; suspended: boolean } {
    const { statement, device, receivedAt } = candidate;
    const detail = `another statement holds boot ${statement.boot} seq ${statement.seq} of this device, at index ${heldIndex}`;
    const verdict = this.#refuse(candidate, 'equivocation', detail);
    const suspended = this.#parts.suspendOnEquivocation; // it is active: anything else was refused before
    if (suspended) {
      this.#parts.registry.setStatus(device.id, 'suspended', receivedAt);
      // The event itself enters the log as every change of a device does: through a request.
      this.#parts.registry.request([JSON.stringify({ action: 'suspend', device: device.urn })]);
    }
    return { verdict, suspended };
  }

  #keep(refusal: Refusal): void {
    const { keys, quarantine } = this.#parts;
    const { inbound, device } = refusal;
    const ownKey = device && keys.keyOf(device.owner);
    const owner = device !== undefined && ownKey !== undefined ? device.owner : keys.gatewayOwner;
    const key = keys.keyOf(owner);
    if (key === undefined) throw new RangeError('the gateway has no key of its own');
    const entry = sha256(inbound.bytes);
    const kept = inbound.bytes.subarray(0, bytesKept(refusal.code));
    quarantine.add({
      device: inbound.device,
      code: refusal.code,
      detail: refusal.detail,
      received_at: inbound.receivedAt,
      entry,
      length: inbound.bytes.length,
      owner,
      sealed: seal(key, kept, entry),
    });
  }
}

/** How much of a refused message is kept. */
function bytesKept(code: RejectCode): number {
  // Anyone can send these under any name: enough to recognise what did.
  if (code === 'unknown-device' || code === 'oversize') return RECOGNISED_BYTES;
  // Its device did sign these: half a statement proves nothing, and cannot be taken in later.
  const isWhole = code === 'equivocation' || code === 'suspended-device';
  return isWhole ? Number.POSITIVE_INFINITY : QUARANTINED_BYTES_MAX;
}
