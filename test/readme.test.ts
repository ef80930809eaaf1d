/** The README tells the truth: its commands exist, its snippets run, its links lead somewhere. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../bin/commands.ts';
import { endPrograms, ROOT, runProgram } from './support/command.ts';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const BLOCKS = [...README.matchAll(FENCE)].map(([, language = '', content = '']) => ({ language, content }));
const RUNNABLE = /^(?:npx vitalseal|node bin\/vitalseal\.js) /;
/** Lines of shell, continued lines joined, comments taken off. */
const LINES = BLOCKS.flatMap(({ language, content }) =>
  content
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => ({ language, line: line.replace(/\s+#.*$/, '').trim() })),
);

describe('the README', () => {
  it('has the two commands, and package.json has them too', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const shell = LINES.filter(({ language }) => language === 'sh').map(({ line }) => line);
    expect(shell).toEqual(expect.arrayContaining(['npm run demo', 'npm test']));
    for (const [, name = ''] of README.matchAll(/\bnpm run ([\w-]+)/g)) expect(scripts).toHaveProperty(name);
  });

  const calls = LINES.map(({ line }) => line.replace(RUNNABLE, 'vitalseal ')).filter((line) =>
    /^vitalseal [a-z]/.test(line),
  );

  it.each(calls)('%s: is a command with these options', (line) => {
    const words = line.split(/\s+/).slice(1);
    const command = COMMANDS.find(({ name }) => name.split(' ').every((word, at) => words[at] === word));
    expect(command).toBeDefined();
    const used = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2));
    expect(Object.keys(command?.options ?? {})).toEqual(expect.arrayContaining(used));
    const required = Object.entries(command?.options ?? {}).flatMap(([name, option]) =>
      option.required === true ? [name] : [],
    );
    expect(used).toEqual(expect.arrayContaining(required));
  });

  it('links only to what is there', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('snippets of the README, run one after another in an empty directory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vitalseal-readme-'));
  const runnable = LINES.filter(({ language, line }) => language === 'sh' && RUNNABLE.test(line));

  beforeAll(() => symlinkSync(join(ROOT, 'bin'), join(directory, 'bin')));

  afterAll(async () => {
    await endPrograms();
    rmSync(directory, { recursive: true, force: true });
  });

  it(`all ${runnable.length} of them succeed`, async () => {
    for (const { line } of runnable) {
      const command = line.replace(RUNNABLE, 'node bin/vitalseal.js ');
      const { code, err } = await runProgram('sh', ['-c', command], { cwd: directory });
      expect({ line, code, err }).toMatchObject({ line, code: 0 });
    }
  });
});
