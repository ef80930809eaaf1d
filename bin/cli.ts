/** What every command of `vitalseal` shares: options, help, exit codes. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** Exit codes, as documented in docs/cli.md. */
export const EXIT = {
  /** Done; the answer is yes. */
  ok: 0,
  /** Done; the answer is no: a receipt contradicted, findings, a claim that did not hold. */
  no: 1,
  /** Wrong usage or configuration. Nothing was changed. */
  usage: 2,
  /** Something needed is not there: a chain, a port, a key, a file, the store. */
  unavailable: 3,
  /** Done; the answer is open: what was handed in proves a receipt not, and does not contradict it. */
  open: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly description: string;
  /** Shown behind the option's name: `--port N`. */
  readonly value?: string;
  readonly required?: boolean;
  readonly default?: string;
  /** May be given several times; `texts` reads it. Any other is a mistake when it is given twice. */
  readonly multiple?: boolean;
}

export type Options = Readonly<Record<string, Option>>;
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Io {
  out(line: string): void;
  err(line: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted on SIGINT or SIGTERM. */
  readonly stopped: AbortSignal;
}

export interface Command {
  /** One or two words: `serve`, `device enrol`. */
  readonly name: string;
  readonly summary: string;
  /** The one argument behind the name, as the usage line shows it: DIR, FILE. It is there when the command runs. */
  readonly positionals?: string;
  readonly options: Options;
  /** Paragraphs below the options: what it does, what to do next. */
  readonly help?: string;
  run(values: Values, positionals: readonly string[], io: Io): Promise<ExitCode>;
}

/** Wrong usage: the message names the argument and what it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the arguments of a command. Throws UsageError. */
export function readArguments(
  command: Command,
  args: readonly string[],
): { values: Values; positionals: string[] } {
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean' } };
  for (const [name, option] of Object.entries(command.options))
    options[name] = { type: option.type, multiple: option.type === 'string' };
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const given = Object.entries(parsed.values as Values);
    const values = Object.fromEntries(
      given.map(([name, value]) => [name, command.options[name]?.multiple ? value : onlyOne(name, value)]),
    );
    if (values['help'] === true) return { values, positionals: parsed.positionals };
    for (const [name, option] of Object.entries(command.options)) {
      values[name] ??= option.default;
      if (option.required && values[name] === undefined)
        throw new UsageError(`--${name} is needed: ${option.description}`);
    }
    const unexpected = parsed.positionals[command.positionals === undefined ? 0 : 1];
    if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`);
    if (command.positionals !== undefined && !parsed.positionals[0])
      throw new UsageError(
        `${command.positionals} is missing: vitalseal ${command.name} ${command.positionals}`,
      );
    return { values, positionals: parsed.positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // What Node adds about arguments that begin with a dash helps nobody who mistyped an option.
    throw new UsageError((error as Error).message.replace(/\. To specify .*$/s, ''));
  }
}

function onlyOne(name: string, value: Values[string]): Values[string] {
  if (!Array.isArray(value)) return value;
  if (value.length > 1) throw new UsageError(`--${name} is given more than once`);
  return (value as readonly string[])[0];
}

export function helpFor(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const flag = `--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`;
    const fallback = option.default === undefined ? '' : ` (default ${option.default})`;
    const extra = option.required ? ' (required)' : option.multiple ? ' (may be repeated)' : fallback;
    return [flag, `${option.description}${extra}`] as const;
  });
  const width = Math.max(0, ...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${text}`);
  const usage = `Usage: vitalseal ${command.name}${command.positionals === undefined ? '' : ` ${command.positionals}`} [options]`;
  const options = lines.length === 0 ? '' : `\n\nOptions:\n${lines.join('\n')}`;
  return `${command.summary}\n\n${usage}${options}${command.help === undefined ? '' : `\n\n${command.help.trim()}`}`;
}

/** The argument behind the command's name. */
export function argument([first]: readonly string[]): string {
  if (first === undefined) throw new UsageError('an argument is missing');
  return first;
}

/** A required string option. */
export function text(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} needs a value`);
  return value;
}

export function optionalText(values: Values, name: string): string | undefined {
  return values[name] === undefined ? undefined : text(values, name);
}

/** The values of an option that may be given several times. */
export function texts(values: Values, name: string): readonly string[] {
  const given = values[name];
  if (given === undefined) return [];
  if (!Array.isArray(given) || given.includes('')) throw new UsageError(`--${name} needs a value`);
  return given as readonly string[];
}

/** A whole number option within bounds. */
export function whole(values: Values, name: string, low: number, high: number): number {
  const raw = text(values, name);
  const value = Number(raw);
  if (!/^\d+$/.test(raw) || value < low || value > high) {
    throw new UsageError(
      `--${name} must be a whole number from ${low} to ${high}, not ${JSON.stringify(raw)}`,
    );
  }
  return value;
}
