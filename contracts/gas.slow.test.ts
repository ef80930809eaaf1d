import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GasRow, measureGas, readSnapshot, renderTable } from './gas.ts';

/** What an anchor may cost at a log of a million leaves, and for one reading of ten thousand. */
const ANCHOR_LIMIT = 85_000;
const READING_LIMIT = 8.5;

describe('gas', () => {
  let rows: GasRow[];
  beforeAll(async () => {
    rows = await measureGas();
  });
  const gasOf = (name: string): number => rows.find((row) => row.name === name)?.gas ?? Number.NaN;

  it('is exactly the committed snapshot: run node contracts/gas.ts --write after changing the contract', () => {
    expect(rows).toEqual(readSnapshot());
  });

  it(`of an anchor at a million leaves is at most ${ANCHOR_LIMIT}, whatever the growth`, () => {
    expect(gasOf('a million leaves, grown by 10,000')).toBeLessThanOrEqual(ANCHOR_LIMIT);
    expect(gasOf('a million leaves, worst case')).toBeLessThanOrEqual(ANCHOR_LIMIT);
  });

  it(`of one reading at 10,000 readings an anchor is at most ${READING_LIMIT}`, () => {
    expect(gasOf('a million leaves, grown by 10,000') / 10_000).toBeLessThanOrEqual(READING_LIMIT);
  });

  it('of one reading is a thousandth of a time stamp of the Ethereum Attestation Service, alone or in a batch', () => {
    const perReading = (name: string): number =>
      gasOf(name) / (rows.find((row) => row.name === name)?.readings ?? Number.NaN);
    const own = perReading('a million leaves, grown by 10,000');
    expect(perReading('EAS 1.9.0: timestamp') / own).toBeGreaterThan(1_000);
    expect(perReading('EAS 1.9.0: multiTimestamp') / own).toBeGreaterThan(1_000);
  });

  it('stands in README.md as it is measured', () => {
    // The formatter pads tables.
    const unpadded = (text: string): string => text.replace(/ +/g, ' ').replace(/-+/g, '-');
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
    expect(unpadded(readme)).toContain(unpadded(renderTable(rows)));
  });
});
