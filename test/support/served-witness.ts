/** A witness in a directory of its own, set up and run by the commands that people use. */
import { join } from 'node:path';
import { COSIGNATURE_TYPE } from '../../src/cosignature.ts';
import type { NoteKey } from '../../src/signed-note.ts';
import { ADD_CHECKPOINT_PATH } from '../../src/tlog-witness.ts';
import { parseVerifierKey } from '../../src/verifier-key.ts';
import { mustRun, type Running, startVitalseal, vitalseal } from './command.ts';
import { freePort } from './free-port.ts';

/** What `witness list` prints of a log. */
interface ListedLog {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly note: string;
  readonly fork?: ListedPair;
  readonly unproven?: readonly ListedPair[];
  readonly stale?: { readonly count: number };
}

/** Two checkpoints that the log signed. */
interface ListedPair {
  readonly size: number;
  readonly cosignedNote: string;
  readonly otherNote: string;
}

export class ServedWitness {
  /** What a gateway's configuration holds of it. */
  readonly entry: { readonly key: string; readonly url: string };
  readonly key: NoteKey;
  readonly #config: string;
  #program: Running | undefined;

  private constructor(directory: string, entry: ServedWitness['entry']) {
    this.entry = entry;
    this.#config = join(directory, 'witness.json');
    const key = parseVerifierKey(entry.key, COSIGNATURE_TYPE);
    if (key.kind === 'reject') throw new Error(key.detail);
    this.key = key.value;
  }

  /** @param gatewayFile gateway-public.json of the log it trusts. */
  static async create(directory: string, gatewayFile: string): Promise<ServedWitness> {
    const options = [
      '--name',
      'witness.example/w1',
      '--gateway',
      gatewayFile,
      '--port',
      String(await freePort()),
    ];
    const line = await mustRun(['witness', 'init', directory, ...options]);
    return new ServedWitness(directory, JSON.parse(line) as ServedWitness['entry']);
  }

  get program(): Running {
    if (this.#program === undefined) throw new Error('the witness was never started');
    return this.#program;
  }

  async start(): Promise<void> {
    const program = await startVitalseal(['witness', 'serve', '--config', this.#config]);
    const { ready, http, url } = JSON.parse(program.firstLine) as Record<string, unknown>;
    if (ready !== true || url !== this.entry.url || String(http) !== new URL(this.entry.url).port)
      throw new Error(program.firstLine);
    this.#program = program;
  }

  async kill(): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.exited;
  }

  post(body: string): Promise<Response> {
    const signal = AbortSignal.timeout(10_000);
    return fetch(`${this.entry.url}${ADD_CHECKPOINT_PATH}`, { method: 'POST', body, signal });
  }

  /** The one log it knows, as it has cosigned it. */
  async log(): Promise<ListedLog> {
    const { code, out } = await vitalseal(['witness', 'list', '--config', this.#config]);
    const log = JSON.parse(out.trim()) as ListedLog;
    if (code !== (log.fork === undefined && log.unproven === undefined ? 0 : 1))
      throw new Error(`witness list ended with ${code}: ${out}`);
    return log;
  }
}
