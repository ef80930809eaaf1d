/** Programs that are no npm packages. `npm test` installs them where it may; elsewhere their tests are skipped by name. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const BESIDE_PATH = ['/usr/sbin', '/usr/bin'];

/** The path of a program; undefined when this machine does not have it. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...BESIDE_PATH];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** For the name of a group of tests: says which of these programs keep it from running, if any. */
export function missingNote(names: readonly string[]): string {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? '' : ` (skipped: not installed: ${missing.join(', ')})`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
