/** Holds the table of costs in docs/operations.md to its formula and to the measured gas. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const text = read('docs/operations.md');
const measured: readonly { readonly name: string; readonly gas: number }[] = JSON.parse(
  read('contracts/gas-snapshot.json'),
);

const MONTH_S = 30 * 24 * 3600;
const YEAR_MINUTES = 365 * 24 * 60;
const TEN_MILLION = 10_000_000;
const PRICES_GWEI = [0.01, 1, 20];

function gasOf(name: string): number {
  const gas = measured.find((entry) => entry.name === name)?.gas;
  if (gas === undefined) throw new Error(`${name} was not measured`);
  return gas;
}

const worst = gasOf('ten million leaves, worst case');
/** From a million to ten million leaves the longest proof grows by four hashes, one for each level. */
const perDoubling = (worst - gasOf('a million leaves, worst case')) / 4;

const number = (cell: string | undefined): number => Number(cell?.replaceAll(/[ ,s]/g, ''));

const rows = text
  .split('\n')
  .filter((line) => /^\| 100(,000)? +\|/.test(line))
  .map((line) => line.split('|').slice(1, -1).map(number));

test('the table has three cadences for a small gateway and for a great one', () => {
  expect(rows.map(([wearables, seconds]) => [wearables, seconds])).toEqual(
    [100, 100_000].flatMap((wearables) => [60, 600, 3600].map((seconds) => [wearables, seconds])),
  );
});

test.each(rows)('%d wearables, an anchor every %d s', (wearables, seconds, ...figures) => {
  const leaves = (wearables ?? 0) * YEAR_MINUTES;
  const gas = worst + perDoubling * Math.ceil(Math.log2(leaves / TEN_MILLION));
  const anchors = MONTH_S / (seconds ?? 0);
  const readings = ((wearables ?? 0) * MONTH_S) / 60;
  const ether = PRICES_GWEI.map((price) => (anchors * gas * price) / 1e9);
  const rounded = [...ether, (gas * anchors) / readings].map((figure) => Number(figure.toPrecision(3)));
  expect(figures).toEqual([gas, anchors, ...rounded]);
});

test('the figures in the text are those measured', () => {
  for (const figure of [worst, perDoubling, gasOf('ten million leaves, grown by 10,000')])
    expect(text).toContain(figure.toLocaleString('en'));
});
