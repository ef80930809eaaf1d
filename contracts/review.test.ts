import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSource } from './solc.ts';
import { MUTANTS } from './testing/mutants.ts';

const readme = readSource('README.md');
const forgeTests = readdirSync(new URL('forge', import.meta.url))
  .filter((name) => name.endsWith('.t.sol'))
  .map((name) => readSource(`forge/${name}`))
  .join('\n');

test('the tests that README.md names are there', () => {
  const names = [...readme.matchAll(/`((?:invariant|test|testFuzz)_\w+)`/g)].map(
    ([, name]) => name as string,
  );
  expect(names.length).toBeGreaterThanOrEqual(9);
  for (const name of names) expect(forgeTests).toContain(`function ${name}(`);
});

test('README.md says how many mutants there are', () => {
  expect(readme).toContain(`${MUTANTS.length} contracts, each broken in one line`);
});
