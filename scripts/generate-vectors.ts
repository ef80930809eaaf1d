/**
 * Writes the files of docs/vectors. With `--check` it writes nothing and exits with status 1 when a file that
 * stands there is not the one it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { makeConnectTokenVectors } from './vectors/connect-token-vectors.ts';
import { makeEventProofVectors } from './vectors/event-proof-vectors.ts';
import { makeEventVectors } from './vectors/event-vectors.ts';
import { makeMerkleProofVectors } from './vectors/merkle-proof-vectors.ts';
import { formatOneALine } from './vectors/one-a-line.ts';
import { makeSignatureVectors } from './vectors/signature-vectors.ts';
import { makeVectors } from './vectors/statement-vectors.ts';

const indented = (vectors: object): string => `${JSON.stringify(vectors, null, 1)}\n`;
const FILES: Readonly<Record<string, () => Promise<string> | string>> = {
  'statements.json': async () => indented(await makeVectors()),
  'connect-tokens.json': async () => indented(await makeConnectTokenVectors()),
  'device-events.json': async () => indented(await makeEventVectors()),
  'event-proofs.json': () => indented(makeEventProofVectors()),
  'merkle-proofs.json': () => formatOneALine(makeMerkleProofVectors()),
  'signatures.json': () => formatOneALine(makeSignatureVectors()),
};

for (const [name, make] of Object.entries(FILES)) {
  const file = new URL(`../docs/vectors/${name}`, import.meta.url);
  const text = await make();
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`docs/vectors/${name} is out of step: run node scripts/generate-vectors.ts\n`);
    process.exitCode = 1;
  }
}
