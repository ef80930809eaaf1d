/** A folder of its own for a test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestFolder {
  readonly path: string;
  remove(): void;
}

/** Makes a folder; whoever asked removes it. */
export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'vitalseal-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
