/**
 * Whatever goes wrong with the chain while the gateway dies over an anchor: once the chain is well and the gateway runs again, the newest checkpoint is
 * anchored within a cadence, nothing was anchored twice, out of order or for nothing, nothing acknowledged is lost, and fsck agrees.
 *
 * A selection out of the table of `npm run crash -- --anchors`, which see.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coveringTable, runRow } from './support/anchor-crash/table.ts';
import { makeTemplate, type Template } from './support/anchor-crash/template.ts';
import { endPrograms } from './support/command.ts';

const WITHIN_MS = 400_000;

const seed = Math.floor(Math.random() * 2 ** 32);
let template: Template;

beforeAll(async () => {
  template = await makeTemplate();
}, 120_000);

afterAll(async () => {
  await endPrograms();
  template.site.remove();
});

describe.concurrent(`seed ${seed}`, () => {
  it.each(coveringTable(seed).map((row) => ({ ...row, name: row.fault.name, at: row.steps.join(' and ') })))(
    '$name, crashed at $at',
    async (row) => {
      const said: string[] = [];
      await runRow(row, template, (line) => said.push(line));
      expect(said).toHaveLength(row.steps.length);
    },
    WITHIN_MS,
  );
});
