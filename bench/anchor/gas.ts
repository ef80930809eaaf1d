/** Gas of an anchor, and beside it what time-stamping the same readings in the Ethereum Attestation Service costs. */
import { type GasRow, measureGas } from '../../contracts/gas.ts';
import type { Figure } from '../report.ts';

export async function measureAnchorGas(say: (line: string) => void): Promise<Figure[]> {
  const rows = await measureGas();
  for (const { name, gas } of rows) say(`gas: ${name}: ${gas.toLocaleString('en-US')}`);
  const find = (name: string): GasRow | undefined => rows.find((row) => row.name === name);
  const gasOf = (name: string): number => find(name)?.gas ?? Number.NaN;
  const perReading = (name: string): number => gasOf(name) / (find(name)?.readings ?? Number.NaN);
  return [
    { name: 'anchor-gas-worst', value: gasOf('a million leaves, worst case'), unit: 'gas', target: 85_000 },
    {
      name: 'anchor-gas-per-reading',
      value: perReading('a million leaves, grown by 10,000'),
      unit: 'gas',
      target: 8.5,
    },
    { name: 'eas-timestamp', value: perReading('EAS 1.9.0: timestamp'), unit: 'gas a reading' },
    { name: 'eas-multi-timestamp', value: perReading('EAS 1.9.0: multiTimestamp'), unit: 'gas a reading' },
  ];
}
