/** A log in memory for tests: real RFC 9162 roots and proofs, entries that mean nothing. */
import { utf8ToBytes } from '../../../src/bytes.ts';
import { Frontier } from '../../../src/merkle/frontier.ts';
import { hashLeaf } from '../../../src/merkle/hash.ts';
import { proveConsistency } from '../../../src/merkle/proof.ts';
import type { Beacon } from '../../../src/statement.ts';
import type { Checkpoint, Clock, LogReader, Sealer } from '../../ports.ts';

/** What the anchorer may use of a log; the rest of LogReader is for other stages. */
type AnchorView = Pick<LogReader, 'size' | 'newestCheckpoint' | 'consistencyProof' | 'onCommit'>;

/** Fails the test when a beacon goes back, or a proof is asked that no log could give. */
export class MemoryLog implements AnchorView, Sealer {
  readonly checkpoints: Checkpoint[] = [];
  readonly beacons: (Beacon | undefined)[] = [];
  readonly #clock: Clock;
  readonly #seed: string;
  readonly #frontier = new Frontier();
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #listeners = new Set<() => void>();

  /** Logs with different seeds have nothing in common from the first entry on. */
  constructor(clock: Clock, seed = 'log') {
    this.#clock = clock;
    this.#seed = seed;
  }

  /** Appends entries as the log stage does, in one commit. */
  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const leaf = hashLeaf(utf8ToBytes(`${this.#seed} ${this.#frontier.size}`));
      this.#frontier.append(leaf, (level, index, hash) => this.#nodes.set(`${level}/${index}`, hash));
    }
    for (const listener of this.#listeners) listener();
  }

  async seal(beacon: Beacon | undefined): Promise<Checkpoint> {
    const last = this.beacons.findLast((earlier) => earlier !== undefined);
    if (last !== undefined && (beacon === undefined || beacon.blockNumber < last.blockNumber)) {
      throw new Error(`the beacon went back from ${last.blockNumber} to ${beacon?.blockNumber}`);
    }
    this.beacons.push(beacon);
    this.append(1);
    const { size } = this.#frontier;
    const checkpoint = {
      size,
      root: this.#frontier.root(),
      note: `${this.#seed}\n${size}\n`,
      sealedAt: this.#clock.now(),
    };
    this.checkpoints.push(checkpoint);
    return checkpoint;
  }

  async size(): Promise<number> {
    return this.#frontier.size;
  }

  async newestCheckpoint(): Promise<Checkpoint | undefined> {
    return this.checkpoints.at(-1);
  }

  async consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return proveConsistency(this.#read, from, to);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #read = (level: number, index: number): Uint8Array => {
    const node = this.#nodes.get(`${level}/${index}`);
    if (node === undefined) throw new Error(`subtree ${level}/${index} is not complete`);
    return node;
  };
}
