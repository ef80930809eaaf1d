import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hexToBytes } from '../../src/bytes.ts';
import { decodeStatement } from '../../src/statement.ts';
import { readStatement } from './independent-statement.ts';
import type { StatementVectors } from './mutate-statement.ts';
import { fuzzSignatures } from './signatures.ts';

const RUNS = 4000;

test('mutated signatures and statements: one verdict, one reading, no exception (npm run fuzz for more)', async () => {
  const seed = Date.now() % 1_000_000_000;
  const lines: string[] = [];
  const counts = await fuzzSignatures({ runs: RUNS, seed, say: (line) => lines.push(line) });
  // Most mutations break something. Where next to nothing stays good, nothing deep was reached.
  const context = `seed ${seed}: ${lines.at(-1)}`;
  expect(counts.signatures + counts.statements, context).toBe(RUNS);
  expect(counts.valid, context).toBeGreaterThan(RUNS / 40);
  expect(counts.wellFormed, context).toBeGreaterThan(RUNS / 80);
  expect(counts.wellSigned, context).toBeGreaterThan(RUNS / 160);
  expect(counts.enrollable, context).toBeGreaterThan(RUNS / 100);
});

test('the second reader reads every published statement as the first does', () => {
  const url = new URL('../../docs/vectors/statements.json', import.meta.url);
  const { statements } = JSON.parse(readFileSync(url, 'utf8')) as StatementVectors;
  const differ = statements.filter(({ statement }) => {
    const bytes = hexToBytes(statement);
    return (decodeStatement(bytes).kind === 'ok') !== (readStatement(bytes) !== undefined);
  });
  expect(differ).toEqual([]);
  expect(statements.length).toBeGreaterThan(100);
});
