import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = dirname(fileURLToPath(import.meta.url));
const ALLOWED_PACKAGES = /^(?:@noble\/(?:curves|hashes)|cborg)(?:\/|$)/;
const COMMENT = /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm;
const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g;

/** Every module of src that runs in a browser: all but tests and what only tests import. */
function listModules(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !/(?:^|\/)testing\//.test(path),
  );
}

/** The text of a module without its comments. */
function codeOf(path: string): string {
  return readFileSync(join(SRC, path), 'utf8').replace(COMMENT, '');
}

function importsOf(path: string): string[] {
  return [...codeOf(path).matchAll(SPECIFIER)].map((match) => match[2] as string);
}

/** Whether a relative import stays inside src. */
function isInside(path: string, specifier: string): boolean {
  return !relative(SRC, join(SRC, dirname(path), specifier)).startsWith('..');
}

test('src imports itself, @noble/* and cborg, and nothing of Node', () => {
  const modules = listModules();
  expect(modules.length).toBeGreaterThan(20);
  const foreign = modules.flatMap((path) =>
    importsOf(path)
      .filter((specifier) =>
        specifier.startsWith('.') ? !isInside(path, specifier) : !ALLOWED_PACKAGES.test(specifier),
      )
      .map((specifier) => `${path}: ${specifier}`),
  );
  expect(foreign).toEqual([]);
});

test('src names no global of Node', () => {
  const named = listModules().filter((path) =>
    /\b(?:process\.|Buffer\.|require\(|globalThis\.process|__dirname|import\.meta)/.test(codeOf(path)),
  );
  expect(named).toEqual([]);
});
