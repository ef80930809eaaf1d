/** The steps of `npm run check` that are not tests. Independent of each other, and of any server. */
const SOLHINT = ['--disc', '--noPrompt', '--max-warnings', '0'];
const PARTS = ['src', 'gateway', 'provider', 'witness', 'device-sim', 'contracts', 'bin'];

export const CHECK_STEPS = [
  { name: 'format and lint', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'import rules', command: 'depcruise', args: ['--config', '.dependency-cruiser.cjs', ...PARTS] },
  { name: 'dead code', command: 'knip', args: [] },
  { name: 'docs in step', command: 'node', args: ['scripts/generate-docs.ts', '--check'] },
  { name: 'vectors in step', command: 'node', args: ['scripts/generate-vectors.ts', '--check'] },
  {
    name: 'Solidity lint',
    command: 'solhint',
    args: [...SOLHINT, '-c', 'contracts/.solhint.json', 'contracts/*.sol'],
  },
  {
    name: 'Solidity lint of tests',
    command: 'solhint',
    args: [...SOLHINT, '-c', 'contracts/forge/.solhint.json', 'contracts/forge/*.sol'],
  },
];

export const UNIT_TESTS = { name: 'unit tests', command: 'vitest', args: ['run', '--project', 'unit'] };
