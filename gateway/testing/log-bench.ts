/** A real log over a real database in a folder of its own, with the intake in front of it. */
import { join } from 'node:path';
import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey, type PublicKey } from '../../src/cose/key.ts';
import { hashEntry, type Statement } from '../../src/statement.ts';
import { CheckedBatch, OUTCOME, SETTLED, VerdictBatch } from '../checked-batch.ts';
import type { GatewayError } from '../errors.ts';
import { type OpenLog, openLog } from '../log/open-log.ts';
import type { EnrolledDevice, Inbound, SequenceRange, Verdict } from '../ports.ts';
import { ANCHORS_SCHEMA } from '../store/anchors.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { LOG_SCHEMA } from '../store/log-store.ts';
import { QUARANTINE_SCHEMA } from '../store/quarantine-store.ts';
import { REGISTRY_SCHEMA } from '../store/registry-schema.ts';
import { SEQUENCE_INDEX_SCHEMA } from '../store/sequence-index.ts';
import { SEQUENCE_SCHEMA } from '../store/sequence-store.ts';
import { TIMESTAMPS_SCHEMA } from '../store/timestamps.ts';
import { checkBatch } from '../validate/check-batch.ts';
import type { Checker } from '../validate/check-pool.ts';
import { StatementIntake } from '../validate/intake.ts';
import { RegistryCache } from '../validate/registry-cache.ts';
import { SetClock } from './clock.ts';
import { makeFolder } from './folder.ts';
import { MemoryLogger } from './logger.ts';
import { signerFrom, type Wearable } from './wearable.ts';

export const TEST_SCHEMAS = [
  REGISTRY_SCHEMA,
  LOG_SCHEMA,
  SEQUENCE_INDEX_SCHEMA,
  SEQUENCE_SCHEMA,
  QUARANTINE_SCHEMA,
  ANCHORS_SCHEMA,
  TIMESTAMPS_SCHEMA,
];
/** What a checking thread does, on this thread. */
export const LOCAL_CHECKER: Checker = { width: 4, check: async (request) => checkBatch(request) };
export const TEST_ORIGIN = 'log.test/one';
export const TEST_LOG_SIGNER = signerFrom('log key');
const MASTER_KEY = new Uint8Array(32).fill(0x4d);
const MAX_STATEMENT_BYTES = 4096;

export interface BenchOptions {
  /** An existing folder to open again; it is then not removed. */
  readonly folder?: string;
  readonly suspendOnEquivocation?: boolean;
  readonly quarantine?: { readonly perDevice: number; readonly total: number };
  readonly commit?: { readonly maxBatch: number; readonly maxBatchBytes: number; readonly maxQueue: number };
  readonly masterKey?: Uint8Array;
  /** In place of one on this thread that answers at once. */
  readonly checker?: Checker;
  readonly maxQueue?: number;
  readonly padTo?: number;
}

/** Everything from the intake down, and what it told its listeners. */
export class LogBench {
  readonly folder: string;
  readonly db: Db;
  readonly log: OpenLog;
  readonly registry: RegistryCache;
  readonly intake: StatementIntake;
  readonly clock = new SetClock();
  readonly logger = new MemoryLogger();
  readonly gaps: { device: string; gap: SequenceRange }[] = [];
  readonly verdicts: Verdict[] = [];
  readonly fatal: GatewayError[] = [];
  /** Pieces of each commit. */
  readonly commits: number[] = [];
  /** What else to do about a gap. */
  onGap: (device: string, gap: SequenceRange) => void = () => undefined;
  /** What else to do about a device that changed. */
  onDeviceChanged: (device: string) => void = () => undefined;
  readonly #remove: () => void;

  constructor(options: BenchOptions = {}) {
    const folder =
      options.folder === undefined ? makeFolder() : { path: options.folder, remove: () => undefined };
    this.folder = folder.path;
    this.#remove = folder.remove;
    this.db = openDatabase(join(this.folder, 'gateway.db'), TEST_SCHEMAS);
    this.log = openLog(this.db, {
      origin: TEST_ORIGIN,
      signer: TEST_LOG_SIGNER,
      masterKey: options.masterKey ?? MASTER_KEY,
      clock: this.clock,
      logger: this.logger,
      quarantine: options.quarantine ?? { perDevice: 100, total: 1000 },
      commit: {
        maxAgeMs: 0,
        ...(options.commit ?? { maxBatch: 1000, maxBatchBytes: 1 << 20, maxQueue: 10_000 }),
      },
      suspendOnEquivocation: options.suspendOnEquivocation ?? true,
      padTo: options.padTo ?? 1,
      onGap: (device, gap) => {
        this.gaps.push({ device, gap });
        this.onGap(device, gap);
      },
      onDeviceChanged: (urn) => {
        this.registry.invalidate(urn);
        this.onDeviceChanged(urn);
      },
      onFleetChanged: () => undefined,
      onCommit: (pieces) => this.commits.push(pieces),
      onFatal: (error) => this.fatal.push(error),
    });
    this.registry = new RegistryCache(this.log.registry);
    this.intake = new StatementIntake({
      registry: this.registry,
      log: this.log.writer,
      checker: options.checker ?? LOCAL_CHECKER,
      maxQueue: options.maxQueue ?? 10_000,
      maxStatementBytes: MAX_STATEMENT_BYTES,
      onVerdict: (verdict) => this.verdicts.push(verdict),
    });
  }

  /** Asks for changes of the registry as the command line does, and carries them out. Returns their outcomes. */
  async request(...requests: readonly object[]): Promise<(string | undefined)[]> {
    const ids = this.log.registry.requests.add(requests.map((request) => JSON.stringify(request)));
    await this.log.deviceEvents.process();
    return ids.map((id) => this.log.registry.requests.outcome(id));
  }

  async enrol(wearable: Wearable, patient = 'p-1', provider = 'clinic'): Promise<void> {
    const [outcome] = await this.request({
      action: 'enrol',
      device: wearable.urn,
      patient,
      provider,
      key: keyText(wearable.signer.publicKey),
    });
    if (outcome !== '') throw new Error(`not enrolled: ${outcome}`);
  }

  /** Hands bytes in as the broker does. */
  submit(device: string | Wearable, bytes: Uint8Array): Promise<Verdict> {
    const inbound: Inbound = {
      device: typeof device === 'string' ? device : device.urn,
      bytes,
      receivedAt: this.clock.now(),
    };
    return this.intake.submit(inbound);
  }

  /** Hands statements to the log as checking would, had it found them right. */
  async append(device: EnrolledDevice, ...statements: readonly Statement[]): Promise<Verdict[]> {
    const bytes = Uint8Array.from(Buffer.concat(statements.map((statement) => statement.bytes)));
    const batch = CheckedBatch.over(bytes, statements.length, []);
    let end = 0;
    for (const [at, statement] of statements.entries()) {
      end += statement.bytes.length;
      batch.describe(at, end, device.id, this.clock.now());
      const entry = hashEntry(statement.bytes);
      const { kid, prev, boot, seq, issuedAt } = statement;
      batch.check(at, { outcome: OUTCOME.verified, entry, kid, prev, boot, seq, issuedAt, flags: [] });
    }
    const verdicts = new VerdictBatch(await this.log.writer.commit(batch.data));
    return statements.map(({ boot, seq }, at) => toVerdict(verdicts, at, boot, seq));
  }

  /** Rows of a table. */
  count(table: string, where = '1'): number {
    return Number(this.db.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get());
  }

  async close(): Promise<void> {
    await this.log.close();
    this.db.close();
    this.#remove();
  }
}

function toVerdict(verdicts: VerdictBatch, at: number, boot: number, seq: number): Verdict {
  const index = verdicts.index(at);
  const kind = verdicts.kind(at);
  if (kind === SETTLED.accept) return { kind: 'accept', index, boot, seq, flags: verdicts.flags(at) };
  if (kind === SETTLED.duplicate) return { kind: 'ignore', code: 'duplicate', index };
  const refusal = verdicts.data.refusals.find((candidate) => candidate.at === at);
  if (refusal === undefined) throw new Error(`no verdict but ${kind}`);
  return { kind: 'reject', code: refusal.code, detail: refusal.detail };
}

/** A public key as a request carries it. */
export function keyText(key: PublicKey): string {
  return bytesToBase64(encodeCoseKey(key));
}
