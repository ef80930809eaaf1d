/** solc from npm behind the two calls forge makes of a native solc: `--version`, and standard JSON on stdin. */
import { readFileSync } from 'node:fs';
import solc from 'solc';

const output = process.argv.includes('--version')
  ? `solc, the solidity compiler commandline interface\nVersion: ${String(solc.version())}\n`
  : String(solc.compile(readFileSync(0, 'utf8')));
process.stdout.write(output);
