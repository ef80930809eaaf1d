/** The benchmark's hold on one load generator process. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { devicePublicKey, deviceUrn } from './device.ts';
import type { Answer, Fleet, LoadResult, Order } from './messages.ts';

const PROGRAM = join(import.meta.dirname, 'program.ts');

/** What `vitalseal device enrol` needs to know of each device of a fleet. */
export function fleetKeys({ algorithm, first, count }: Fleet): {
  readonly urn: string;
  readonly key: ReturnType<typeof devicePublicKey>;
}[] {
  return Array.from({ length: count }, (_, at) => ({
    urn: deviceUrn(algorithm, first + at),
    key: devicePublicKey(algorithm, first + at),
  }));
}

export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** A load generator with its devices made and nothing connected. */
  static async start(fleet: Fleet): Promise<Load> {
    const load = new Load(fork(PROGRAM, { execArgv: [] }));
    await load.#order({ do: 'make', fleet });
    return load;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Brings every device online. */
  async connect(port: number): Promise<void> {
    await this.#order({ do: 'connect', port });
  }

  /** Signs so many statements for each of the first `lanes` devices. */
  async prepare(lanes: number, each: number): Promise<void> {
    await this.#order({ do: 'prepare', lanes, each });
  }

  /** Makes what was sent ready to be sent again. */
  async rewind(lanes: number): Promise<void> {
    await this.#order({ do: 'rewind', lanes });
  }

  /** Sends what is prepared as fast as it is acknowledged, `window` under way on each connection. Resolves at the last one. */
  async burst(lanes: number, window: number): Promise<LoadResult> {
    return this.#measured({ do: 'burst', lanes, window });
  }

  /** Sends at an even pace. Resolves when all of it is acknowledged. */
  async pace(perSecond: number, seconds: number): Promise<LoadResult> {
    return this.#measured({ do: 'pace', perSecond, seconds });
  }

  /** Takes every device offline and ends the process. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }

  async #measured(order: Order): Promise<LoadResult> {
    const result = await this.#order(order);
    if (result === undefined) throw new Error('the load generator measured nothing');
    return result;
  }

  async #order(order: Order): Promise<LoadResult | undefined> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the load generator ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended);
        resolve(message as Answer);
      });
      this.#child.send(order);
    });
    if (!answer.ok) throw new Error(`load generator: ${answer.reason}`);
    return answer.result;
  }
}
