/**
 * Writes docs/vectors/statements.json. With `--check` it writes nothing and exits with status 1 when the file that
 * stands there is not the one it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { makeVectors } from './vectors/statement-vectors.ts';

const FILE = new URL('../docs/vectors/statements.json', import.meta.url);

const text = `${JSON.stringify(await makeVectors(), null, 1)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write('docs/vectors/statements.json is out of step: run node scripts/generate-vectors.ts\n');
  process.exitCode = 1;
}
