import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import solc from 'solc';

/** The sources that make up what is deployed, by their import paths relative to this folder. */
export const CONTRACT_SOURCES = ['IReadingLog.sol', 'Rfc9162.sol', 'ReadingLog.sol'] as const;

/**
 * How the contract is compiled, by solc from npm at the exact version the sources pin.
 *
 * - `evmVersion`: paris, the oldest rules after the merge. Every public layer 2 and every Besu network runs it, private
 *   ones with an old genesis included. Measured with gas.ts: cancun would save 61 of 72,031 gas.
 * - `viaIR` off: with it an anchor costs 270 gas more (measured), the proof loops being assembly already.
 * - `runs`: an anchor is sent for years, the deployment once.
 * - no metadata hash in the code: the same source gives the same bytes wherever it lies on disk.
 */
export const COMPILER_SETTINGS = {
  evmVersion: 'paris',
  viaIR: false,
  optimizer: { enabled: true, runs: 1_000_000 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
} as const;

/** One entry of a contract's ABI as solc writes it. */
export type AbiEntry = Readonly<Record<string, unknown>>;

/** What the compiler makes of one contract. Code is 0x-prefixed hex. */
export interface CompiledContract {
  readonly abi: readonly AbiEntry[];
  /** The code of the deployment transaction. */
  readonly bytecode: string;
  /** The code that stands at the address afterwards. */
  readonly deployedBytecode: string;
}

interface SolcOutput {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, SolcContract>>>>;
}

interface SolcContract {
  readonly abi: readonly AbiEntry[];
  readonly evm: {
    readonly bytecode: { readonly object: string };
    readonly deployedBytecode: { readonly object: string };
  };
}

/** The text of a source in this folder. */
export function readSource(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}

/**
 * Compiles ReadingLog from the sources in this folder.
 *
 * @throws Error with the compiler's messages on any error or warning: the sources compile clean or not at all.
 */
export function compileReadingLog(settings: object = COMPILER_SETTINGS): CompiledContract {
  const sources = Object.fromEntries(CONTRACT_SOURCES.map((name) => [name, readSource(name)]));
  return compile(sources, settings)['ReadingLog'] as CompiledContract;
}

/**
 * Compiles sources, given by their import paths, with the settings of what is deployed.
 *
 * @returns The contracts by their names.
 * @throws Error with the compiler's messages on any error or warning.
 */
export function compile(
  sources: Readonly<Record<string, string>>,
  settings: object = COMPILER_SETTINGS,
): Readonly<Record<string, CompiledContract>> {
  const outputSelection = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } };
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([name, content]) => [name, { content }])),
    settings: { ...settings, outputSelection },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  if (output.errors !== undefined || output.contracts === undefined) {
    const messages = (output.errors ?? []).map((error) => error.formattedMessage);
    throw new Error(`solc refused the contracts:\n${messages.join('\n')}`);
  }
  const contracts = Object.values(output.contracts).flatMap((file) => Object.entries(file));
  return Object.fromEntries(
    contracts.map(([name, { abi, evm }]) => [
      name,
      {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
      },
    ]),
  );
}
