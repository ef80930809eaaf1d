import { readFileSync } from 'node:fs';
import type { FastifyReply } from 'fastify';
import { describe, expect, test } from 'vitest';
import { FLAGS, IGNORE_CODES, REJECT_CODES } from '../src/verdict.ts';
import { GATEWAY_ERROR_CODES, GatewayError } from './errors.ts';
import { PROBLEM_CODES, sendProblem } from './http/problems.ts';

/** Rows of docs/errors.md whose first cell is a code, under their heading. */
function readTables(): Map<string, string[][]> {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const tables = new Map<string, string[][]>();
  let rows: string[][] = [];
  for (const line of page.split('\n')) {
    if (line.startsWith('#')) {
      rows = [];
      tables.set(line.replace(/^#+ */, ''), rows);
      continue;
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const code = /^`([^`]+)`$/.exec(cells[0] ?? '')?.[1];
    if (code !== undefined) rows.push([code, ...cells.slice(1)]);
  }
  return tables;
}

const tables = readTables();
const codesUnder = (heading: string) => (tables.get(heading) ?? []).map(([code]) => code).sort();

describe('docs/errors.md and the code know the same codes', () => {
  test.each([
    ['Verdicts on statements', [...REJECT_CODES, ...IGNORE_CODES]],
    ['Flags on accepted statements', FLAGS],
    ['Failures of the gateway or of what it depends on', GATEWAY_ERROR_CODES],
    ['Problems of the HTTP interface', PROBLEM_CODES],
  ])('%s', (heading, codes) => {
    expect(codesUnder(heading)).toEqual([...codes].sort());
  });

  test('and no other table has codes', () => {
    const all = [...REJECT_CODES, ...IGNORE_CODES, ...FLAGS, ...GATEWAY_ERROR_CODES, ...PROBLEM_CODES];
    expect([...tables.values()].flat().map(([code]) => code)).toHaveLength(all.length);
    expect(new Set(all).size).toBe(all.length);
  });

  test('every row says something in each of its cells', () => {
    for (const [code, ...cells] of [...tables.values()].flat())
      expect([code, cells.filter((cell) => cell === '')]).toEqual([code, []]);
  });

  test('the statuses of problems are those that are sent', () => {
    for (const [code, status] of tables.get('Problems of the HTTP interface') ?? []) {
      let sent = 0;
      const reply = {
        header: () => reply,
        type: () => reply,
        send: () => reply,
        code: (given: number) => {
          sent = given;
          return reply;
        },
      };
      sendProblem(reply as unknown as FastifyReply, code as (typeof PROBLEM_CODES)[number], '');
      expect([code, sent]).toEqual([code, Number(status)]);
    }
  });
});

test('codes are words that can be metric labels and problem types', () => {
  for (const code of [...REJECT_CODES, ...IGNORE_CODES, ...FLAGS, ...GATEWAY_ERROR_CODES, ...PROBLEM_CODES])
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
});

test('a failure carries its code, what caused it, and facts', () => {
  const cause = new Error('ENOSPC');
  const error = new GatewayError('disk-full', 'no room', { cause, fatal: true, details: { path: '/x' } });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'GatewayError',
    code: 'disk-full',
    message: 'no room',
    cause,
    fatal: true,
    details: { path: '/x' },
  });
  const plain = new GatewayError('overloaded', 'wait');
  expect(plain).toMatchObject({ fatal: false, details: {} });
  expect('cause' in plain).toBe(false);
});
