/**
 * Writes the files of docs/vectors. With `--check` it writes nothing and exits with status 1 when a file that
 * stands there is not the one it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { makeConnectTokenVectors } from './vectors/connect-token-vectors.ts';
import { makeEventVectors } from './vectors/event-vectors.ts';
import { makeVectors } from './vectors/statement-vectors.ts';

const FILES: Readonly<Record<string, () => Promise<object>>> = {
  'statements.json': makeVectors,
  'connect-tokens.json': makeConnectTokenVectors,
  'device-events.json': makeEventVectors,
};

for (const [name, make] of Object.entries(FILES)) {
  const file = new URL(`../docs/vectors/${name}`, import.meta.url);
  const text = `${JSON.stringify(await make(), null, 1)}\n`;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`docs/vectors/${name} is out of step: run node scripts/generate-vectors.ts\n`);
    process.exitCode = 1;
  }
}
