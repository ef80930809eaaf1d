import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keccak256 } from 'ethers';
import { describe, expect, it } from 'vitest';
import { GENERATED_FILE, renderModule } from './compile.ts';
import { READING_LOG_ABI, READING_LOG_CODE_HASH } from './generated/reading-log.ts';
import { compileReadingLog } from './solc.ts';

/** EIP-170. */
const MAX_CODE_BYTES = 24_576;

describe('the generated module', () => {
  const compiled = compileReadingLog();

  it('is what the sources compile to: run node contracts/compile.ts after changing one', () => {
    expect(readFileSync(GENERATED_FILE, 'utf8')).toBe(renderModule(compiled));
  });

  it('names the code that stands at the address, small enough for any chain', () => {
    expect(READING_LOG_CODE_HASH).toBe(keccak256(compiled.deployedBytecode));
    expect((compiled.deployedBytecode.length - 2) / 2).toBeLessThan(MAX_CODE_BYTES);
  });

  it('has no payable function, no receive, no fallback', () => {
    const kinds = READING_LOG_ABI.map((entry) => {
      return 'stateMutability' in entry ? entry.stateMutability : entry.type;
    });
    expect(new Set(kinds)).toEqual(new Set(['nonpayable', 'view', 'event', 'error']));
    const types = new Set(READING_LOG_ABI.map((entry) => entry.type));
    expect(types).toEqual(new Set(['constructor', 'function', 'event', 'error']));
  });

  it('is the interface whole: functions, events and errors as the lists here say', () => {
    const named = (type: string): string[] =>
      READING_LOG_ABI.filter((entry) => entry.type === type)
        .map((entry) =>
          'name' in entry ? `${entry.name}(${entry.inputs.map((input) => input.type).join(',')})` : '',
        )
        .toSorted();
    expect({
      functions: named('function'),
      events: named('event'),
      errors: named('error'),
    }).toMatchInlineSnapshot(`
      {
        "errors": [
          "AlreadyOpen(bytes32)",
          "InvalidConsistencyProof(bytes32,uint64,uint64,bytes32)",
          "NoSha256Precompile()",
          "NotOperator(bytes32,address,address)",
          "NotOwner(bytes32,address,address)",
          "NotProposed(bytes32,address,address)",
          "SizeNotGrowing(bytes32,uint64,uint64)",
          "UnknownLog(bytes32)",
          "UnknownSize(bytes32,uint64)",
          "ZeroOperator()",
          "ZeroRoot(bytes32,uint64)",
        ],
        "events": [
          "Anchored(bytes32,uint64,bytes32)",
          "Opened(bytes32,address,address,bytes32)",
          "OperatorChanged(bytes32,address,address)",
          "OperatorProposed(bytes32,address)",
          "OwnerChanged(bytes32,address,address)",
          "OwnerProposed(bytes32,address)",
        ],
        "functions": [
          "acceptOperator(bytes32)",
          "acceptOwner(bytes32)",
          "anchor(bytes32,uint64,bytes32,bytes32[])",
          "head(bytes32)",
          "logIdOf(address,bytes32)",
          "logOf(bytes32)",
          "open(address,bytes32)",
          "proposeOperator(bytes32,address)",
          "proposeOwner(bytes32,address)",
          "rootAt(bytes32,uint64)",
          "verifyInclusion(bytes32,uint64,uint64,bytes32,bytes32[])",
        ],
      }
    `);
  });
});

describe('the compiler', () => {
  it('refuses with its own words what does not compile', () => {
    expect(() => compileReadingLog({ evmVersion: 'nonsense' })).toThrow(
      'solc refused the contracts:\nInvalid EVM version requested.',
    );
  });

  it('is the one that the sources pin', () => {
    const source = readFileSync(join(import.meta.dirname, 'ReadingLog.sol'), 'utf8');
    const manifest = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
    const pinned = /pragma solidity ([\d.]+);/.exec(source)?.[1];
    expect(JSON.parse(manifest).devDependencies.solc).toBe(pinned);
  });
});
