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

/**
 * Compiles ReadingLog from the sources in this folder.
 *
 * @throws Error with the compiler's messages on any error or warning: the sources compile clean or not at all.
 */
export function compileReadingLog(settings: object = COMPILER_SETTINGS): CompiledContract {
  return compileContract('ReadingLog', CONTRACT_SOURCES, settings);
}

/** The contract of this name in the last of `files`, which lie in this folder; as strict as `compileReadingLog`. */
export function compileContract(
  name: string,
  files: readonly string[],
  settings: object = COMPILER_SETTINGS,
): CompiledContract {
  const sources = Object.fromEntries(
    files.map((file) => [file, { content: readFileSync(join(import.meta.dirname, file), 'utf8') }]),
  );
  const outputSelection = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } };
  const input = { language: 'Solidity', sources, settings: { ...settings, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const contract = output.contracts?.[files.at(-1) ?? '']?.[name];
  if (output.errors !== undefined || contract === undefined) {
    const messages = (output.errors ?? []).map((error) => error.formattedMessage);
    throw new Error(`solc refused the contracts:\n${messages.join('\n')}`);
  }
  return {
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
  };
}
