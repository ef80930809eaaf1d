/** Opens the log over a database. The same steps at every start: after a clean stop, a crash, or for the first time. */
import { verifyCheckpoint } from '../../src/checkpoint.ts';
import type { Signer } from '../../src/signature.ts';
import { GatewayError } from '../errors.ts';
import type { Clock, Logger, SequenceRange } from '../ports.ts';
import type { Db } from '../store/database.ts';
import { LogStore } from '../store/log-store.ts';
import { type QuarantineLimits, QuarantineStore } from '../store/quarantine-store.ts';
import { RegistryStore } from '../store/registry-store.ts';
import { SequenceIndex } from '../store/sequence-index.ts';
import { SequenceStore } from '../store/sequence-store.ts';
import { Committer } from './committer.ts';
import { DeviceEvents } from './device-events.ts';
import { EntryBook } from './entries.ts';
import { QuarantinedStatements } from './held-back.ts';
import { Keyring } from './keyring.ts';
import { CommittedLog } from './reader.ts';
import { LogSealer } from './sealer.ts';
import { KeptSilence } from './silent-marks.ts';
import { LogTree } from './tree.ts';
import { StatementWriter } from './writer.ts';

export interface LogOptions {
  /** The log's name: the origin line of its checkpoints and the issuer of its receipts. */
  readonly origin: string;
  /** The log key, Ed25519. */
  readonly signer: Signer;
  /** Wraps the patients' keys; 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly quarantine: QuarantineLimits;
  readonly commit: {
    readonly maxBatch: number;
    readonly maxBatchBytes: number;
    readonly maxAgeMs: number;
    readonly maxQueue: number;
  };
  readonly suspendOnEquivocation: boolean;
  /** The size of every checkpoint is a multiple of this; 1 for any. */
  readonly padTo: number;
  readonly onGap: (device: string, gap: SequenceRange) => void;
  readonly onDeviceChanged: (urn: string) => void;
  /** Called when the devices of a file have become enrolled. */
  readonly onFleetChanged: () => void;
  readonly onCommit: (pieces: number, seconds: number) => void;
  readonly onFatal: (error: GatewayError) => void;
}

export interface OpenLog {
  readonly reader: CommittedLog;
  readonly writer: StatementWriter;
  readonly sealer: LogSealer;
  readonly deviceEvents: DeviceEvents;
  readonly registry: RegistryStore;
  readonly sequences: SequenceStore;
  readonly quarantine: QuarantineStore;
  readonly heldBack: QuarantinedStatements;
  readonly silentMarks: KeptSilence;
  readonly committer: Committer;
  /** Commits what waits and refuses more. The database stays open: its opener closes it. */
  close(): Promise<void>;
}

export function openLog(db: Db, options: LogOptions): OpenLog {
  const log = new LogStore(db);
  assertSameLog(log, options);
  const registry = new RegistryStore(db);
  const sequences = new SequenceStore(db);
  const index = new SequenceIndex(db);
  const quarantine = new QuarantineStore(db, options.quarantine);
  const keys = new Keyring(options.masterKey, registry);
  const tree = new LogTree(log);
  const book = new EntryBook(log, tree, keys);
  const reader = new CommittedLog({ log, registry, index, tree, book });
  const committer = new Committer(db, {
    ...options.commit,
    onRollback: () => {
      tree.reload();
      keys.forget();
      quarantine.recount();
      writer.forget();
    },
    onCommit: (pieces, seconds) => {
      writer.committed();
      options.onCommit(pieces, seconds);
      reader.announce();
    },
    onFatal: options.onFatal,
  });
  const shared = { ...options, committer, book, keys, registry, log, quarantine };
  const writer = new StatementWriter({ ...shared, index, sequences });
  return {
    reader,
    writer,
    sealer: new LogSealer({ ...shared, tree, gatewayOwner: keys.gatewayOwner, padTo: options.padTo }),
    deviceEvents: new DeviceEvents(shared),
    registry,
    sequences,
    quarantine,
    heldBack: new QuarantinedStatements({
      ...shared,
      countOnce: (urn) => {
        const device = registry.device(urn);
        if (device !== undefined) writer.countOnce(device.id);
      },
    }),
    silentMarks: new KeptSilence(registry, committer),
    committer,
    close: async () => {
      await writer.close().catch(() => undefined); // counts for people to look at: no reason not to close
      await committer.close();
    },
  };
}

/** Under another name or key it would be another log, whose checkpoints no verifier of this one believes. */
function assertSameLog(log: LogStore, { origin, signer }: LogOptions): void {
  const checkpoint = log.newestCheckpoint();
  if (checkpoint === undefined) return;
  const kept = checkpoint.note.split('\n', 1)[0];
  if (kept !== origin)
    throw new GatewayError(
      'config-invalid',
      `origin: this store holds the log ${kept}, not ${origin}; a log never changes its name`,
      { fatal: true },
    );
  const verified = verifyCheckpoint(checkpoint.note, { origin, publicKey: signer.publicKey.bytes });
  if (verified.kind === 'reject')
    throw new GatewayError(
      'key-unreadable',
      'the log key did not sign the checkpoints of this store; is it the key file the store was made with?',
      { fatal: true },
    );
}
