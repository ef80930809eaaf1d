import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder, type TestFolder } from '../gateway/testing/folder.ts';

const LOCK = '{"packages":{}}\n';
const STAMP = `${createHash('sha256').update(LOCK).digest('hex')}\n`;

/** A tree of its own with the start-up script, and an npm that only leaves a trace of having been run. */
let folder: TestFolder;
let tree: string;
let npmTrace: string;

beforeEach(() => {
  folder = makeFolder();
  tree = join(folder.path, 'tree');
  npmTrace = join(folder.path, 'npm-was-run');
  mkdirSync(join(tree, 'scripts'), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'start.js'), join(tree, 'scripts', 'start.js'));
  writeFileSync(join(tree, 'package.json'), '{"type":"module"}\n');
  writeFileSync(join(tree, 'package-lock.json'), LOCK);
  writeFileSync(join(tree, 'hello.js'), "console.log('hello');\n");
  const npm = join(folder.path, 'bin', 'npm');
  mkdirSync(join(folder.path, 'bin'));
  writeFileSync(npm, `#!/bin/sh\necho "$@" > '${npmTrace}'\nexit 1\n`);
  chmodSync(npm, 0o755);
});

afterEach(() => folder.remove());

function start() {
  const path = [join(folder.path, 'bin'), '/usr/bin', '/bin'].join(delimiter);
  const run = spawnSync(process.execPath, [join(tree, 'scripts', 'start.js'), 'hello.js'], {
    env: { PATH: path },
    encoding: 'utf8',
  });
  return { code: run.status, out: run.stdout, err: run.stderr.replaceAll(folder.path, '<folder>') };
}

/** The modules of another tree, installed from a lock with this stamp, and linked into ours. */
function linkModules(stamp: string): void {
  const modules = join(folder.path, 'other', 'node_modules');
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, '.vitalseal-lock'), stamp);
  symlinkSync(modules, join(tree, 'node_modules'));
}

describe('with node_modules that are a link to those of another tree', () => {
  test('it goes on when they were installed from the same lock', () => {
    linkModules(STAMP);
    expect(start()).toEqual({ code: 0, out: 'hello\n', err: '' });
  });

  test('it stops when they were not, and leaves them alone', () => {
    linkModules('another lock');
    expect(start()).toMatchInlineSnapshot(`
      {
        "code": 1,
        "err": "vitalseal: node_modules is a link to <folder>/other/node_modules, and what is there was not installed from this package-lock.json. Nothing was changed: installing through the link would take the modules of the other tree away. Bring that tree to the same package-lock.json and run \`npm run setup\` there, or remove the link and try again.
      ",
        "out": "",
      }
    `);
    expect(existsSync(join(folder.path, 'other', 'node_modules', '.vitalseal-lock'))).toBe(true);
    expect(existsSync(npmTrace)).toBe(false);
  });

  test('it stops when the link leads nowhere', () => {
    symlinkSync(join(folder.path, 'gone'), join(tree, 'node_modules'));
    expect(start()).toMatchObject({ code: 1, err: expect.stringContaining('a link to <folder>/gone') });
    expect(existsSync(npmTrace)).toBe(false);
  });
});

test('without node_modules it installs them', () => {
  expect(start()).toMatchObject({ code: 1, err: expect.stringContaining('npm ci failed') });
  expect(existsSync(npmTrace)).toBe(true);
});
