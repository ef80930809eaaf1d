/** The `vitalseal` command: finds the command, runs it, turns what goes wrong into a message and an exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { GatewayError } from '../gateway/errors.ts';
import { ProviderConfigError } from '../provider/index.ts';
import { WitnessConfigError } from '../witness/index.ts';
import { type Command, EXIT, type ExitCode, helpFor, type Io, readArguments, UsageError } from './cli.ts';
import { COMMANDS } from './commands.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// A reader that went away (`vitalseal ... | head`) is no failure of ours.
process.stdout.on('error', () => process.exit(EXIT.ok));

const io: Io = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  environment: process.env,
  stopped: stop.signal,
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<ExitCode> {
  const [first] = args;
  if (first === '--version') {
    io.out(version());
    return EXIT.ok;
  }
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    io.out(overview());
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = findCommand(args);
  if (command === undefined) {
    const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
    if (group.length > 0) io.err(overview(group));
    else io.err(`vitalseal: there is no command ${JSON.stringify(first)}; vitalseal --help lists them`);
    return group.length > 0 && args.includes('--help') ? EXIT.ok : EXIT.usage;
  }
  return run(command, args.slice(command.name.split(' ').length));
}

function version(): string {
  const file = join(import.meta.dirname, '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function findCommand(args: readonly string[]): Command | undefined {
  return COMMANDS.find(({ name }) => name.split(' ').every((word, at) => args[at] === word));
}

async function run(command: Command, args: readonly string[]): Promise<ExitCode> {
  try {
    const { values, positionals } = readArguments(command, args);
    if (values['help'] === true) {
      io.out(helpFor(command));
      return EXIT.ok;
    }
    return await command.run(values, positionals, io);
  } catch (error) {
    return explain(command, error);
  }
}

function explain(command: Command, error: unknown): ExitCode {
  if (error instanceof UsageError) {
    io.err(`vitalseal ${command.name}: ${error.message}\nvitalseal ${command.name} --help says more`);
    return EXIT.usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  io.err(`vitalseal ${command.name}: ${message}`);
  if (error instanceof ProviderConfigError || error instanceof WitnessConfigError) return EXIT.usage;
  if (error instanceof GatewayError) return error.code === 'config-invalid' ? EXIT.usage : EXIT.unavailable;
  if (io.environment['VITALSEAL_DEBUG'] !== undefined && error instanceof Error) io.err(error.stack ?? '');
  return EXIT.unavailable;
}

function overview(commands: readonly Command[] = COMMANDS): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Vitalseal takes signed wearable readings over MQTT, logs them, anchors the log on an EVM chain,',
    'and delivers the readings sealed to the care provider.',
    '',
    'Usage: vitalseal COMMAND [options]',
    '',
    ...lines,
    '',
    'vitalseal COMMAND --help explains one. Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration;',
    '3 something needed is not there; 4 the answer is open.',
  ].join('\n');
}
