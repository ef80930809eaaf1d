/** Writes the generated pages of docs/, or with --check says which of them are out of step with the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { TSchema } from 'typebox';
import { helpFor } from '../bin/cli.ts';
import { COMMANDS } from '../bin/commands.ts';
import { environmentName, isListOfSections } from '../gateway/config.ts';
import { GatewayConfigSchema } from '../gateway/config-schema.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');

interface SchemaView {
  readonly type?: string;
  readonly properties?: Record<string, TSchema>;
  readonly items?: TSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly description?: string;
  readonly attack?: string;
}

const pages: Readonly<Record<string, string>> = {
  'configuration.md': configurationPage(),
  'configuration.schema.json': `${JSON.stringify(jsonSchema(), null, 2)}\n`,
  'cli.md': cliPage(),
};

if (process.argv.includes('--check')) {
  const stale = Object.entries(pages).filter(([name, content]) => read(join(DOCS, name)) !== content);
  if (stale.length > 0) {
    process.stderr.write(
      `out of step: docs/${stale.map(([name]) => name).join(', docs/')}; run node scripts/generate-docs.ts\n`,
    );
    process.exit(1);
  }
} else {
  for (const [name, content] of Object.entries(pages)) writeFileSync(join(DOCS, name), content);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function jsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Vitalseal gateway configuration',
    ...GatewayConfigSchema,
  };
}

function configurationPage(): string {
  const rows = settings(GatewayConfigSchema, [], true);
  return [
    '# Configuration',
    '',
    '<!-- Generated from gateway/config-schema.ts by scripts/generate-docs.ts. -->',
    '',
    '`vitalseal serve` reads one JSON file. Unknown keys are errors; every mistake is reported at once, by key. Paths are relative to',
    'the file. Secrets are files, never values. A setting outside a list of sections can also be given in the environment, under the name shown.',
    'An editor that knows JSON Schema can check the file against [configuration.schema.json](configuration.schema.json).',
    '',
    ...rows.flatMap(({ key, view, required, inList }) => [
      `## ${key}`,
      '',
      view.description ?? '',
      '',
      `- ${[typeOf(view), required && view.default === undefined ? 'required' : defaultOf(view), rangeOf(view)].filter(Boolean).join('; ')}`,
      ...(inList ? [] : [`- environment: \`${environmentName(key.split('.'))}\``]),
      ...(view.attack === undefined ? [] : [`- what an attacker gains by changing it: ${view.attack}`]),
      '',
    ]),
  ].join('\n');
}

interface Row {
  readonly key: string;
  readonly view: SchemaView;
  readonly required: boolean;
  readonly inList: boolean;
}

function settings(schema: TSchema, path: readonly string[], required: boolean, inList = false): Row[] {
  const view = schema as SchemaView;
  if (view.properties !== undefined) {
    return Object.entries(view.properties).flatMap(([name, inner]) =>
      settings(inner, [...path, name], view.required?.includes(name) ?? false, inList),
    );
  }
  if (view.items !== undefined && isListOfSections(schema)) {
    const [last = '', ...before] = [...path].reverse();
    return settings(view.items, [...before.reverse(), `${last}[]`], true, true);
  }
  return [{ key: path.join('.'), view, required, inList }];
}

function typeOf({ type, enum: values }: SchemaView): string {
  if (values !== undefined) return `one of ${values.map((value) => `\`${value}\``).join(', ')}`;
  return type === 'array' ? 'list of strings, in the environment apart by spaces' : (type ?? 'value');
}

function defaultOf(view: SchemaView): string {
  return view.default === undefined ? 'optional' : `default \`${JSON.stringify(view.default)}\``;
}

function rangeOf({ minimum, maximum, exclusiveMinimum, minItems, maxItems }: SchemaView): string {
  if (minItems !== undefined && maxItems !== undefined) return `${minItems} to ${maxItems} of them`;
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (minimum !== undefined) return `at least ${minimum}`;
  return exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`;
}

function cliPage(): string {
  return [
    '# The `vitalseal` command',
    '',
    '<!-- Generated from bin/commands/ by scripts/generate-docs.ts. -->',
    '',
    'In a clone, `node bin/vitalseal.js COMMAND`. Exit codes, the same for every command:',
    '',
    '| code | meaning |',
    '| --- | --- |',
    '| 0 | done; the answer is yes |',
    '| 1 | done; the answer is no: a receipt contradicted, findings, a claim that did not hold |',
    '| 2 | wrong usage or configuration; nothing was changed |',
    '| 3 | something needed is not there: a chain, a port, a key, a file, the store |',
    '| 4 | done; the answer is open: what was handed in neither proves a receipt nor contradicts it |',
    '',
    ...COMMANDS.flatMap((command) => [`## ${command.name}`, '', '```', helpFor(command), '```', '']),
  ].join('\n');
}
