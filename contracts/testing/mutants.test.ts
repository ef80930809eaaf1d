import { expect, test } from 'vitest';
import { readSource } from '../solc.ts';
import { MUTANTS, mutate } from './mutants.ts';

test.each(MUTANTS)('$name: what it replaces stands in the source once', (mutant) => {
  const source = readSource(mutant.file);
  expect(mutate(source, mutant)).not.toBe(source);
});

test('names are unique', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
