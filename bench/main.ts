/** `npm run bench -- NAME [--json]`: measures one group of figures and prints them. */
import process from 'node:process';
import { measureExternal } from './external.ts';
import { measureGrowth } from './growth.ts';
import { type Figure, printFigures } from './report.ts';

const BENCHES: Readonly<Record<string, (say: (line: string) => void) => Promise<Figure[]>>> = {
  external: measureExternal,
  growth: measureGrowth,
};

const args = process.argv.slice(2);
const [name = ''] = args.filter((argument) => !argument.startsWith('--'));
const measure = BENCHES[name];
if (measure === undefined) {
  process.stderr.write(`which bench? ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  printFigures(await measure((line) => process.stderr.write(`${line}\n`)), args.includes('--json'));
}
