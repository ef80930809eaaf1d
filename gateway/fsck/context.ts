/** What every check is handed: one moment of the store, the keys, and where to put what it finds. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PublicKey } from '../../src/cose/key.ts';
import type { Db } from '../store/database.ts';
import type { Findings } from './findings.ts';
import type { OwnerKeys } from './owner-keys.ts';

/** How many of each kind were compared. */
export interface Checked {
  entries: number;
  /** Entries and quarantined statements whose patient was erased: their hashes are checked, their bytes are gone. */
  erased: number;
  signatures: number;
  tiles: number;
  checkpoints: number;
  owners: number;
  devices: number;
  deviceKeys: number;
  sequences: number;
  gaps: number;
  anchors: number;
  /** Anchors looked up on the chain. */
  anchorsOnChain: number;
  cursors: number;
  batches: number;
  quarantined: number;
}

/** What is being done, for people who wait. `total` is known from the start of a phase. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export interface FsckContext {
  readonly db: Db;
  /** The log's name. */
  readonly origin: string;
  /** Ed25519. */
  readonly logKey: PublicKey;
  readonly owners: OwnerKeys;
  /** Entries at that moment: one more than the greatest index, as the gateway itself counts. */
  readonly size: number;
  /** Signatures are not verified. */
  readonly fast: boolean;
  readonly findings: Findings;
  readonly checked: Checked;
  readonly pace: Pace;
}

/** Rows between two turns of the event loop: some milliseconds of work, unless signatures are verified. */
const ROWS_A_TURN = 128;

/** Lets timers, signals and the caller in between rows, and tells how far it has come. */
export class Pace {
  readonly #onProgress: (progress: Progress) => void;
  readonly #signal: AbortSignal | undefined;
  #phase = '';
  #done = 0;
  #total = 0;

  constructor(onProgress: (progress: Progress) => void, signal: AbortSignal | undefined) {
    this.#onProgress = onProgress;
    this.#signal = signal;
  }

  begin(phase: string, total: number): void {
    this.#phase = phase;
    this.#done = 0;
    this.#total = total;
    this.#report();
  }

  /** Called for each row. Throws the signal's reason once it is aborted. */
  async step(): Promise<void> {
    this.#done += 1;
    if (this.#done % ROWS_A_TURN !== 0) return;
    await nextTurn();
    this.#report();
  }

  #report(): void {
    this.#signal?.throwIfAborted();
    this.#onProgress({ phase: this.#phase, done: this.#done, total: this.#total });
  }
}

export function nothingChecked(): Checked {
  return {
    entries: 0,
    erased: 0,
    signatures: 0,
    tiles: 0,
    checkpoints: 0,
    owners: 0,
    devices: 0,
    deviceKeys: 0,
    sequences: 0,
    gaps: 0,
    anchors: 0,
    anchorsOnChain: 0,
    cursors: 0,
    batches: 0,
    quarantined: 0,
  };
}
