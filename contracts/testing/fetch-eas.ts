/**
 * Writes eas-code.json: the compiled contracts of the Ethereum Attestation Service as their npm package has them, which gas.ts measures
 * beside ours. Run: node contracts/testing/fetch-eas.ts
 *
 * The code is kept rather than the package: as a dependency that would bring a whole development kit with it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PACKAGE = '@ethereum-attestation-service/eas-contracts@1.9.0';
const INTEGRITY =
  'sha512-L60y1fgKlY3a45xxnPlgRbiGQY8RF/lF+AzF1iVoR7/aEzitS0Nuyyjq8+IXs1sSSU0dl2+yGSmELxVeB6FelA==';

const folder = mkdtempSync(join(tmpdir(), 'vitalseal-eas-'));
try {
  const run = (program: string, args: readonly string[]): string =>
    execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const file = run('npm', ['pack', PACKAGE, '--silent']).trim();
  const digest = createHash('sha512')
    .update(readFileSync(join(folder, file)))
    .digest('base64');
  if (`sha512-${digest}` !== INTEGRITY)
    throw new Error(`${PACKAGE} is not the package it was: sha512-${digest}`);
  run('tar', ['xzf', file]);
  const read = (...path: readonly string[]): string => readFileSync(join(folder, 'package', ...path), 'utf8');
  const codeOf = (name: string): string =>
    JSON.parse(read('artifacts', 'contracts', `${name}.sol`, `${name}.json`)).bytecode;
  const kept = {
    package: PACKAGE,
    integrity: INTEGRITY,
    license: read('LICENSE'),
    schemaRegistry: codeOf('SchemaRegistry'),
    eas: codeOf('EAS'),
  };
  writeFileSync(join(import.meta.dirname, 'eas-code.json'), `${JSON.stringify(kept, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
