/** A gateway's clock that a test sets while the gateway runs: libfaketime, preloaded. Its monotonic clock stays true. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { findProgram } from '../installed.ts';

const LIBRARIES = '/usr/lib';
/** The library for processes with threads, where Debian puts it. */
const LIBRARY = 'faketime/libfaketimeMT.so.1';

/** How far the clock is off, as libfaketime writes it. */
export type Offset = '+0' | '-1h' | '+25h';

export class FakeClock {
  /** What a gateway must be started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.set('+0');
    this.env = {
      LD_PRELOAD: libraryFile() ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Jumps, whatever it was before. */
  set(offset: Offset): void {
    writeFileSync(`${this.#file}.new`, offset);
    renameSync(`${this.#file}.new`, this.#file); // seen whole, or not at all
  }
}

/** For the name of a group of tests: why there is no such clock here; empty when there is one. */
export function fakeClockNote(): string {
  const isHere = findProgram('faketime') !== undefined && libraryFile() !== undefined;
  return isHere ? '' : ' (skipped: not installed: faketime)';
}

function libraryFile(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  return readdirSync(LIBRARIES)
    .map((folder) => `${LIBRARIES}/${folder}/${LIBRARY}`)
    .find((file) => existsSync(file));
}
