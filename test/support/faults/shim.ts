/** Faults that come after the deed: a small library of C, made here and preloaded into a gateway. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../command.ts';

/** Carried out and then reported as failed; carried out, then killed; half of it carried out, then killed; killed instead. */
export type LateFault = 'fail' | 'die' | 'tear' | 'never';
/** `puback`: a write of a PUBACK, to the file `mqtt`. */
export type FaultyCall = 'write' | 'fsync' | 'ftruncate' | 'unlink' | 'puback';

export class FaultShim {
  /** What a gateway must be started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #control: string;

  private constructor(library: string, control: string) {
    this.#control = control;
    this.env = { LD_PRELOAD: library, VITALSEAL_FAULT: control };
  }

  /** @param folder where the library and its control file are put */
  static async build(folder: string): Promise<FaultShim> {
    const library = join(folder, 'faults.so');
    const source = join(import.meta.dirname, 'shim.c');
    const { code, err } = await runProgram('cc', [
      '-shared',
      '-fPIC',
      '-O1',
      '-Wall',
      '-o',
      library,
      source,
      '-ldl',
    ]);
    if (code !== 0) throw new Error(`cc ended with ${code}: ${err}`);
    return new FaultShim(library, join(folder, 'faults.next'));
  }

  /** The next such call on a file of this name has this fault. */
  arm(call: FaultyCall, name: string, fault: LateFault): void {
    writeFileSync(`${this.#control}.new`, `${call} ${name} ${fault}`);
    renameSync(`${this.#control}.new`, this.#control); // seen whole, or not at all
  }

  /** Whether the fault has happened. */
  get happened(): boolean {
    return !existsSync(this.#control);
  }
}
