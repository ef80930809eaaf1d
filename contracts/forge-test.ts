/**
 * Fuzz and invariant tests of the Solidity sources with forge. Run: node contracts/forge-test.ts [forge test options]
 *
 * Works offline: forge from npm, solc from npm behind a wrapper. The seed is printed first; `--fuzz-seed 0x...` repeats a run.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { foundryBinary } from './foundry-binary.ts';

const CACHE = join(import.meta.dirname, '../node_modules/.cache/forge');

/** forge wants one executable: a shell script that names this very Node. */
function writeSolcCommand(): string {
  mkdirSync(CACHE, { recursive: true });
  const command = join(CACHE, 'solc');
  const script = join(import.meta.dirname, 'testing/solc-command.ts');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
  chmodSync(command, 0o755);
  return command;
}

/** Runs forge over contracts/forge; its output goes where ours goes. Resolves with its exit status. */
export async function runForge(options: readonly string[] = []): Promise<number> {
  const seed = options.includes('--fuzz-seed') ? [] : ['--fuzz-seed', `0x${randomBytes(8).toString('hex')}`];
  const args = ['test', '--root', import.meta.dirname, '--use', writeSolcCommand(), ...seed, ...options];
  process.stdout.write(`forge ${[...seed, ...options].join(' ')}\n`);
  const child = spawn(foundryBinary('forge'), args, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

if (import.meta.main) process.exitCode = await runForge(process.argv.slice(2));
