/** Programs that are no npm packages. `npm test` installs them where it may; elsewhere their tests are skipped by name. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const BESIDE_PATH = ['/usr/sbin', '/usr/bin'];

/** The path of a program, or of a file named by its full path; undefined when this machine does not have it. */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return isThere(name, constants.R_OK) ? name : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...BESIDE_PATH];
  return folders.map((folder) => join(folder, name)).find((file) => isThere(file, constants.X_OK));
}

/** For the name of a group of tests: says which of these programs keep it from running, if any. */
export function missingNote(names: readonly string[]): string {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? '' : ` (skipped: not installed: ${missing.join(', ')})`;
}

function isThere(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
