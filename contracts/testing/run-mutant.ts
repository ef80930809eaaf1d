/** The forge tests over one broken contract. The tests are compiled once; they take the mutant's code from the environment. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runForge } from '../forge-test.ts';
import { CONTRACT_SOURCES, compile, readSource } from '../solc.ts';
import { type Mutant, mutate } from './mutants.ts';

const SOURCES = [...CONTRACT_SOURCES, 'forge/Verifier.sol', 'forge/Vm.sol'];
/** The words of an assertion, without the values that it compared. */
const REASON = /^\[FAIL: (.*?)(?:: \S+ != .*|;.*|\])/m;
/** The line that ends the report of a failed test. */
const FAILED = /^(?!\[PASS\]).*?(\w+)\([\w,[\]]*\) \((?:runs|gas):/m;
/** A sequence that shows the fault is enough; nobody reads the shortest. */
const NO_SHRINKING = { FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: '0' };

/** What noticed a mutant, and what it said. */
export interface Killer {
  readonly test: string;
  readonly reason: string;
}

/**
 * The test that noticed the mutant first, or undefined when none did. Without a mutant: what is wrong with the contract itself.
 *
 * @throws Error when there was nothing to test: what the mutant replaces is not in its source, or it does not compile.
 */
export async function findKiller(mutant: Mutant | undefined, seed: number): Promise<Killer | undefined> {
  const sources = SOURCES.map((name): [string, string] => {
    return [name, name === mutant?.file ? mutate(readSource(name), mutant) : readSource(name)];
  });
  const { ReadingLog, Verifier } = compile(Object.fromEntries(sources));
  const code = { READING_LOG_CODE: ReadingLog?.bytecode ?? '', VERIFIER_CODE: Verifier?.bytecode ?? '' };
  const failures = mkdtempSync(join(tmpdir(), 'vitalseal-mutant-'));
  try {
    const options = ['--fail-fast', '--fuzz-seed', `0x${seed.toString(16)}`];
    const env = { ...code, ...NO_SHRINKING, ...forgetting(failures) };
    const { status, output } = await runForge(options, { env, say: () => undefined });
    return status === 0 ? undefined : readKiller(output);
  } finally {
    rmSync(failures, { recursive: true, force: true });
  }
}

function readKiller(output: string): Killer {
  const [, reason = 'an assertion'] = REASON.exec(output) ?? [];
  const [, test] = FAILED.exec(output) ?? [];
  if (test === undefined) throw new Error(`forge ran no test\n${output}`);
  return { test, reason };
}

/** Where forge keeps a failure, to try it first the next time: what broke another mutant must not help against this one. */
function forgetting(folder: string): Readonly<Record<string, string>> {
  return { FOUNDRY_FUZZ_FAILURE_PERSIST_DIR: folder, FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR: folder };
}
