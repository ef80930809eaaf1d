/** Holds docs/protocol.md to what the code and the vectors say. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FLAGS, IGNORE_CODES, REJECT_CODES } from '../src/verdict.ts';
import { VOCABULARY } from '../src/vocabulary.ts';

const read = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
const text = read('protocol.md');
const cddl = read('protocol.cddl');
const vectors: {
  readonly devices: readonly Readonly<Record<string, string>>[];
  readonly statements: readonly Readonly<Record<string, string>>[];
} = JSON.parse(read('vectors/statements.json'));

/** The fenced blocks whose info string starts with `language`. */
function blocks(language: string): { readonly info: string; readonly body: string }[] {
  const found = text.matchAll(new RegExp(`^\`\`\`${language}(.*)\\n([^]*?)^\`\`\`$`, 'gm'));
  return Array.from(found, ([, info = '', body = '']) => ({ info: info.trim(), body }));
}

describe('hexadecimal examples', () => {
  const examples = blocks('hex');

  test('are five', () => expect(examples).toHaveLength(5));

  test.each(examples)('$info is that of the vectors', ({ info, body }) => {
    const [name = '', field = ''] = info.split(' ');
    const source =
      vectors.statements.find((vector) => vector['name'] === name) ??
      vectors.devices.find((device) => device['algorithm'] === name);
    expect(body.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, '')).toBe(source?.[field]);
  });
});

test('every CDDL example stands in protocol.cddl', () => {
  const examples = blocks('cddl');
  expect(examples.length).toBeGreaterThan(5);
  for (const { body } of examples) for (const rule of body.split('\n\n')) expect(cddl).toContain(rule.trim());
});

test('every rule that protocol.cddl uses is defined there or in the prelude of RFC 8610', () => {
  const plain = cddl.replaceAll(/;.*$/gm, '').replaceAll(/"[^"]*"/g, '');
  const defined = new Set(
    Array.from(plain.matchAll(/^([a-z][a-z0-9-]*)(?:<[^>]*>)? =/gm), ([, name]) => name),
  );
  const parameters = ['proof-type', 'proof', 'content-type', 'about'];
  const prelude = ['any', 'bool', 'bstr', 'tstr', 'uint', 'int', 'float', 'nil', 'biguint', 'bignint'];
  const controls = ['size', 'cbor', 'regexp', 'le'];
  const known = new Set([...defined, ...parameters, ...prelude, ...controls]);
  const memberKeys = /\b[a-z][a-z0-9-]*:/g;
  const used = plain.replaceAll(memberKeys, '').matchAll(/\b[a-z][a-z0-9-]*\b/g);
  const unknown = Array.from(used, ([name]) => name).filter((name) => !known.has(name));
  expect([...new Set(unknown)]).toEqual([]);
  for (const name of [...prelude, 'time', 'number', 'text', 'bytes']) expect(defined.has(name)).toBe(false);
});

test('every code, every flag and every name of the vocabulary is explained', () => {
  for (const word of [...REJECT_CODES, ...IGNORE_CODES, ...FLAGS, ...VOCABULARY.keys()]) {
    expect(text).toContain(`\`${word}\``);
  }
});

test('links within the page lead somewhere', () => {
  const headings = Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading.toLowerCase().replaceAll(' ', '-'),
  );
  for (const [, target] of text.matchAll(/\]\(#([^)]*)\)/g)) expect(headings).toContain(target);
});
