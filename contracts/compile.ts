/**
 * Writes contracts/generated/reading-log.ts from the Solidity sources. Run: node contracts/compile.ts
 *
 * The result is committed, so that nothing but this script needs the compiler; compile.test.ts holds the two equal.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keccak256 } from 'ethers';
import { type CompiledContract, compileReadingLog } from './solc.ts';

/** Where the generated module lies. */
export const GENERATED_FILE = join(import.meta.dirname, 'generated/reading-log.ts');

/** The text of the generated module; the same for the same sources and compiler. */
export function renderModule({ abi, bytecode, deployedBytecode }: CompiledContract): string {
  return `// Written by contracts/compile.ts from the Solidity sources; not to be edited.

/** ABI of ReadingLog. */
export const READING_LOG_ABI = ${JSON.stringify(abi, undefined, 2)} as const;

/** Deployment code of ReadingLog, 0x-prefixed hex. */
export const READING_LOG_BYTECODE =
  '${bytecode}';

/** keccak256 of the code that stands at the address of a deployed ReadingLog, 0x-prefixed hex. */
export const READING_LOG_CODE_HASH = '${keccak256(deployedBytecode)}';
`;
}

if (import.meta.main) {
  mkdirSync(dirname(GENERATED_FILE), { recursive: true });
  writeFileSync(GENERATED_FILE, renderModule(compileReadingLog()));
}
