/** A witness on a state of its own in a folder, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigner } from '../../src/signature.ts';
import { createState, openState } from '../database.ts';
import { Heads } from '../heads.ts';
import { type Reply, Witness } from '../witness.ts';
import { LOG_ORIGIN, LOG_SIGNER, type TestLog } from './test-log.ts';

const WITNESS = createSigner('Ed25519', new Uint8Array(32).fill(12));
export const WITNESS_KEY = { name: 'w.example/1', publicKey: WITNESS.publicKey.bytes };
export const NOW_S = 1_760_000_000;

export class WitnessBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'vitalseal-witness-'));
  heads!: Heads;
  witness!: Witness;
  /** What the log of the witness says: level and fields. */
  told: [level: string, fields: object][] = [];

  constructor() {
    createState(this.folder);
    this.start();
  }

  /** @param remembered as Heads takes it */
  start(remembered?: number): void {
    this.told = [];
    this.heads = new Heads(openState(this.folder), remembered);
    this.witness = new Witness({
      name: WITNESS_KEY.name,
      signer: WITNESS,
      logs: new Map([[LOG_ORIGIN, [{ name: LOG_ORIGIN, publicKey: LOG_SIGNER.publicKey.bytes }]]]),
      heads: this.heads,
      now: () => NOW_S * 1000 + 999,
      logger: {
        info: (fields) => this.told.push(['info', fields]),
        warn: (fields) => this.told.push(['warn', fields]),
        error: (fields) => this.told.push(['error', fields]),
      },
    });
  }

  stop(): void {
    this.heads.close();
  }

  async ask(log: TestLog, oldSize: number, size: number): Promise<Reply> {
    return this.witness.addCheckpoint(await log.request(oldSize, size));
  }

  remove(): void {
    this.stop();
    rmSync(this.folder, { recursive: true });
  }
}
