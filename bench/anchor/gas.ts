/** Gas of an anchor, and beside it what time-stamping the same readings in the Ethereum Attestation Service costs. */
import { measureGas } from '../../contracts/gas.ts';
import type { Figure } from '../report.ts';
import { EAS_BATCH, measureEas } from './eas.ts';

const READINGS = 10_000;

export async function measureAnchorGas(say: (line: string) => void): Promise<Figure[]> {
  const rows = await measureGas();
  for (const { name, gas } of rows) say(`gas: ${name}: ${gas.toLocaleString('en-US')}`);
  const gasOf = (name: string): number => rows.find((row) => row.name === name)?.gas ?? Number.NaN;
  const eas = await measureEas();
  return [
    { name: 'anchor-gas-worst', value: gasOf('a million leaves, worst case'), unit: 'gas', target: 85_000 },
    {
      name: 'anchor-gas-per-reading',
      value: gasOf('a million leaves, grown by 10,000') / READINGS,
      unit: 'gas',
      target: 8.5,
    },
    { name: 'eas-timestamp', value: eas.timestamp, unit: 'gas a reading' },
    {
      name: `eas-multi-timestamp-${EAS_BATCH}`,
      value: eas.multiTimestamp / EAS_BATCH,
      unit: 'gas a reading',
    },
  ];
}
