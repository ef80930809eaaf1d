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

/** Where forge runs and who hears it. */
export interface ForgeSurroundings {
  /** The folder of foundry.toml. Default: this one. */
  readonly root?: string;
  /** More of the environment, such as FOUNDRY_FUZZ_RUNS. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes the output as it comes. Default: ours. */
  readonly say?: (text: string) => void;
}

/** How forge ended: 0 when every test passed. */
export interface ForgeResult {
  readonly status: number;
  readonly output: string;
}

/** forge wants one executable: a shell script that names this very Node. */
function writeSolcCommand(): string {
  mkdirSync(CACHE, { recursive: true });
  const command = join(CACHE, 'solc');
  const script = join(import.meta.dirname, 'testing/solc-command.ts');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
  chmodSync(command, 0o755);
  return command;
}

/** Runs forge over contracts/forge, or over another project of the same sources. */
export async function runForge(
  options: readonly string[] = [],
  {
    root = import.meta.dirname,
    env = {},
    say = (text) => process.stdout.write(text),
  }: ForgeSurroundings = {},
): Promise<ForgeResult> {
  const seed = options.includes('--fuzz-seed') ? [] : ['--fuzz-seed', `0x${randomBytes(8).toString('hex')}`];
  const args = ['test', '--root', root, '--use', writeSolcCommand(), ...seed, ...options];
  say(`forge ${[...seed, ...options].join(' ')}\n`);
  const child = spawn(foundryBinary('forge'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  // Nobody waits for a run whose asker is gone.
  const end = (): void => void child.kill();
  process.once('exit', end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      say(text);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', end);
      resolve({ status: code ?? 1, output });
    });
  });
}

if (import.meta.main) process.exitCode = (await runForge(process.argv.slice(2))).status;
