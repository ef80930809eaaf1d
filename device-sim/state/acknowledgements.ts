/**
 * The device's own record of what was acknowledged: a text file with a line "boot seq" for each PUBACK, in the order
 * they came. Tests hold it against the gateway's log: whatever stands here must be there.
 *
 * Not fsynced: a line that a power cut takes away only makes the device send that statement again.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';

/** The place of a statement in the life of its device. */
export interface StatementNumber {
  readonly boot: number;
  readonly seq: number;
}

/** A text that is the same for equal numbers, and a line of the file. */
export function numberKey({ boot, seq }: StatementNumber): string {
  return `${boot} ${seq}`;
}

/** The numbers recorded in a file; none when it does not exist. A line cut short by a crash is left out. */
export async function readAcknowledgements(file: string): Promise<StatementNumber[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => {
    const match = /^(\d+) (\d+)$/.exec(line);
    return match ? [{ boot: Number(match[1]), seq: Number(match[2]) }] : [];
  });
}

/** The record, open for writing. */
export class Acknowledgements {
  readonly #handle: FileHandle;
  readonly #known: Set<string>;

  private constructor(handle: FileHandle, known: Set<string>) {
    this.#handle = handle;
    this.#known = known;
  }

  static async open(file: string): Promise<Acknowledgements> {
    const known = new Set((await readAcknowledgements(file)).map(numberKey));
    const handle = await open(file, 'a', 0o600);
    // Starts a new line after one that was cut short; an empty line reads as nothing.
    await handle.appendFile('\n');
    return new Acknowledgements(handle, known);
  }

  has(number: StatementNumber): boolean {
    return this.#known.has(numberKey(number));
  }

  /** Records one; again is harmless. */
  async add(number: StatementNumber): Promise<void> {
    if (this.has(number)) return;
    this.#known.add(numberKey(number));
    await this.#handle.appendFile(`${numberKey(number)}\n`);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
