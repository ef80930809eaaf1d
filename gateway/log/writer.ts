/** Takes checked messages into the log or into quarantine, each batch within one group commit. */
import { decodeStatement } from '../../src/statement.ts';
import type { RejectCode } from '../../src/verdict.ts';
import {
  bitsToFlags,
  CheckedBatch,
  type CheckedData,
  flagsToBits,
  type Head,
  OUTCOME,
  SETTLED,
  type VerdictData,
  VerdictWriter,
} from '../checked-batch.ts';
import type { LogWriter, SequenceRange } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { SequenceIndex } from '../store/sequence-index.ts';
import type { SequenceStore } from '../store/sequence-store.ts';
import type { Committer } from './committer.ts';
import { type DeviceState, DeviceStates, kidName } from './device-states.ts';
import type { EntryBook } from './entries.ts';
import type { Keyring } from './keyring.ts';
import { ReceivedCounts } from './received-counts.ts';
import { RefusalKeeper } from './refusals.ts';
import { type Placed, SequenceJudge, type SequenceVerdict } from './sequence.ts';

export interface WriterParts {
  readonly committer: Committer;
  readonly book: EntryBook;
  readonly keys: Keyring;
  readonly log: LogStore;
  readonly index: SequenceIndex;
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

const NOTHING_HELD: Head = { boot: 0, next: 0 };
/** Counts of other devices that a commit takes along: some 0.2 ms. */
const COUNTS_TAKEN_ALONG = 64;

/** One batch inside its transaction. */
interface Work {
  readonly batch: CheckedBatch;
  readonly verdicts: VerdictWriter;
  readonly gaps: { readonly device: string; readonly gap: SequenceRange }[];
  readonly changed: string[];
  /** Of each device: messages judged, statements appended, and when the newest of those came. */
  readonly tallies: Map<number, Tally>;
  /** Whether something was kept that has to be written. */
  isWritten: boolean;
}

interface Tally {
  received: number;
  statements: number;
  receivedAt: number;
}

/** The log's side of `LogWriter`. */
export class StatementWriter implements LogWriter {
  readonly #parts: WriterParts;
  readonly #states: DeviceStates;
  readonly #judge: SequenceJudge;
  readonly #refusals: RefusalKeeper;
  readonly #received = new ReceivedCounts();

  constructor(parts: WriterParts) {
    this.#parts = parts;
    const { registry, log, index, book } = parts;
    this.#states = new DeviceStates(registry, log, index, book);
    this.#refusals = new RefusalKeeper(parts.keys, parts.quarantine);
    this.#judge = new SequenceJudge({
      ...parts,
      readPrev: (at) => {
        const row = log.entry(at);
        const bytes = row && book.bytesOf(row);
        const statement = bytes && decodeStatement(bytes);
        return statement?.kind === 'ok' ? statement.value.prev : undefined;
      },
    });
  }

  async commit(data: CheckedData): Promise<VerdictData> {
    const batch = new CheckedBatch(data);
    const { committer, onGap, onDeviceChanged } = this.#parts;
    const work = await committer.run(() => this.#commit(batch), data.bytes.length, batch.count);
    for (const { device, gap } of work.gaps) onGap(device, gap);
    for (const urn of work.changed) onDeviceChanged(urn);
    return work.verdicts.data;
  }

  /** Called after each durable commit. */
  committed(): void {
    this.#received.committed();
  }

  /** Inside a transaction: a statement that was judged before was judged once more, and counts once. */
  countOnce(device: number): void {
    this.#received.add(device, -1);
  }

  /** Writes the counts that still wait for a write to go with. */
  async close(): Promise<void> {
    while (this.#received.size > 0)
      await this.#parts.committer.run(() => this.#writeCounts(COUNTS_TAKEN_ALONG));
  }

  /** Called after a rolled-back transaction. */
  forget(): void {
    this.#received.rolledBack();
    this.#states.forget();
    this.#parts.index.reload();
  }

  /** Inside the transaction: the last look at each message, then the record. */
  #commit(batch: CheckedBatch): Work {
    const verdicts = new VerdictWriter(batch.count);
    const work: Work = { batch, verdicts, gaps: [], changed: [], tallies: new Map(), isWritten: false };
    const refusals = new Map(batch.data.refusals.map((refusal) => [refusal.at, refusal]));
    for (let at = 0; at < batch.count; at++) {
      const refusal = refusals.get(at);
      if (refusal !== undefined) this.#refuse(work, at, refusal.device, refusal.code, refusal.detail);
      else if (batch.outcome(at) === OUTCOME.refused) verdicts.settle(at, SETTLED.again);
      else this.#commitStatement(work, at);
      verdicts.tellHead(at, this.#headOf(batch.device(at)));
      if (batch.device(at) !== 0 && verdicts.isJudged(at)) tallyOf(work, batch.device(at)).received += 1;
    }
    this.#parts.index.mergeSome(this.#count(work));
    return work;
  }

  /** Writes the counts of a batch, unless nothing else of it has to be written. Returns how many statements it brought. */
  #count({ tallies, isWritten }: Work): number {
    let sum = 0;
    for (const [device, { received, statements, receivedAt }] of tallies) {
      this.#received.add(device, received);
      if (statements === 0) continue;
      this.#parts.registry.countStatements(device, statements, this.#received.take(device), receivedAt);
      sum += statements;
    }
    if (sum > 0 || isWritten) this.#writeCounts(COUNTS_TAKEN_ALONG);
    return sum;
  }

  #writeCounts(limit: number): void {
    for (const [device, count] of this.#received.takeSome(limit))
      this.#parts.registry.countReceived(device, count);
  }

  #headOf(device: number): Head | undefined {
    const state = device === 0 ? undefined : this.#states.of(device);
    return state && (state.head ?? NOTHING_HELD);
  }

  #commitStatement(work: Work, at: number): void {
    const { batch, verdicts } = work;
    const device = this.#states.of(batch.device(at));
    if (device === undefined)
      throw new RangeError('a statement was checked for a device that is not enrolled');
    const placed = placedAt(batch, at);
    const judged = this.#judge.judge(device, placed);
    if (judged.kind === 'duplicate') verdicts.settle(at, SETTLED.duplicate, judged.index);
    else if (batch.outcome(at) !== OUTCOME.verified) verdicts.settle(at, SETTLED.again);
    else this.#commitVerified(work, at, device, placed, judged);
  }

  #commitVerified(
    work: Work,
    at: number,
    device: DeviceState,
    placed: Placed,
    judged: Exclude<SequenceVerdict, { kind: 'duplicate' }>,
  ): void {
    const standing = this.#standingRefusal(device, work.batch.kid(at));
    if (standing !== undefined) this.#refuse(work, at, device.urn, standing.code, standing.detail);
    else if (judged.kind === 'equivocation') this.#refuseEquivocation(work, at, device, placed, judged.index);
    else if (this.#parts.keys.keyOf(device.owner) === undefined) work.verdicts.settle(at, SETTLED.withheld);
    else this.#append(work, at, device, placed, judged);
  }

  #append(
    work: Work,
    at: number,
    device: DeviceState,
    placed: Placed,
    judged: SequenceVerdict & { kind: 'new' },
  ): void {
    const { batch, verdicts, gaps } = work;
    const flags = bitsToFlags(flagsToBits(judged.flags)); // in the order of FLAGS, wherever they are shown
    const index = this.#parts.book.append({
      kind: 'statement',
      bytes: batch.bytes(at),
      entry: placed.entry,
      owner: device.owner,
      receivedAt: placed.receivedAt,
      device: device.id,
      provider: device.provider,
      boot: placed.boot,
      seq: placed.seq,
      flags,
    });
    this.#judge.record(device, placed, judged, index);
    const tally = tallyOf(work, device.id);
    tally.statements += 1;
    tally.receivedAt = Math.max(tally.receivedAt, placed.receivedAt);
    if (judged.gap !== undefined) gaps.push({ device: device.urn, gap: judged.gap });
    verdicts.settle(at, SETTLED.accept, index, flags);
  }

  /**
   * Device and key as the log has them now: an event may have been committed since the statement was checked, and nothing of a
   * device may follow its revocation, its suspension or its key's retirement in the log.
   */
  #standingRefusal(device: DeviceState, kid: Uint8Array): { code: RejectCode; detail: string } | undefined {
    const name = kidName(kid);
    if (!device.keys.has(name)) return { code: 'unknown-key', detail: `${device.urn} has no key of this id` };
    if (device.status === 'revoked')
      return { code: 'revoked-device', detail: `${device.urn} has been revoked` };
    if (device.keys.get(name) !== undefined)
      return { code: 'retired-key', detail: `the key of ${device.urn} has been retired` };
    if (device.status === 'suspended')
      return { code: 'suspended-device', detail: `${device.urn} is suspended` };
    return undefined;
  }

  #refuseEquivocation(
    work: Work,
    at: number,
    device: DeviceState,
    { boot, seq, receivedAt }: Placed,
    held: number,
  ): void {
    const detail = `another statement holds boot ${boot} seq ${seq} of this device, at index ${held}`;
    this.#refuse(work, at, device.urn, 'equivocation', detail);
    if (!this.#parts.suspendOnEquivocation) return;
    const { registry } = this.#parts;
    registry.setStatus(device.id, 'suspended', receivedAt); // it is active: anything else was refused before
    // The event itself enters the log as every change of a device does: through a request.
    registry.requests.add([JSON.stringify({ action: 'suspend', device: device.urn })]);
    work.changed.push(device.urn);
  }

  #refuse(work: Work, at: number, device: string, code: RejectCode, detail: string): void {
    const { batch, verdicts } = work;
    const owner = this.#states.of(batch.device(at))?.owner;
    const kept = this.#refusals.keep({
      device,
      code,
      detail,
      owner,
      bytes: batch.bytes(at),
      receivedAt: batch.receivedAt(at),
    });
    if (kept === 'no-room') verdicts.settle(at, SETTLED.noRoom);
    else verdicts.reject(at, code, detail);
    if (kept === 'new') work.isWritten = true;
  }
}

function tallyOf({ tallies }: Work, device: number): Tally {
  const known = tallies.get(device);
  if (known !== undefined) return known;
  const tally = { received: 0, statements: 0, receivedAt: 0 };
  tallies.set(device, tally);
  return tally;
}

function placedAt(batch: CheckedBatch, at: number): Placed {
  const seq = batch.seq(at);
  return {
    boot: batch.boot(at),
    seq,
    entry: batch.entry(at),
    prev: seq === 0 ? undefined : batch.prev(at),
    issuedAt: batch.issuedAt(at),
    receivedAt: batch.receivedAt(at),
    flags: batch.flags(at),
  };
}
