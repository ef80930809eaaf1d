/** Programs as a user starts them, above all the vitalseal command. None outlives its test. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { until } from './wait.ts';

/** The repository. */
export const ROOT = join(import.meta.dirname, '..', '..');
export const VITALSEAL = join(ROOT, 'bin', 'vitalseal.js');

/** How a program ended: its exit code, or the signal that ended it. */
export interface Outcome {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

/** A program that goes on running. */
export interface Running {
  readonly pid: number;
  /** What it has written so far. */
  out(): string;
  err(): string;
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** For `startVitalseal`: a program with its options that runs the command, such as a tracer. */
  readonly under?: readonly string[];
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program and returns at once. */
export function startProgram(file: string, args: readonly string[], options: RunOptions = {}): Running {
  const settings: SpawnOptions = { stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] };
  if (options.cwd !== undefined) settings.cwd = options.cwd;
  if (options.env !== undefined) settings.env = { ...process.env, ...options.env };
  const child = spawn(file, args, settings);
  running.add(child);
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  exited.catch(() => undefined).finally(() => running.delete(child));
  child.stdin?.end(options.input);
  return { pid: child.pid ?? -1, out, err, exited, kill: (signal) => void child.kill(signal) };
}

/** Runs a program to its end. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const program = startProgram(file, args, options);
  const code = await program.exited;
  return { code, out: program.out(), err: program.err() };
}

/** Runs `vitalseal` to its end. */
export function vitalseal(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runProgram(process.execPath, [VITALSEAL, ...args], options);
}

/** Runs `vitalseal`, which must succeed, and returns what it printed. */
export async function mustRun(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, out, err } = await vitalseal(args, options);
  if (code !== 0) throw new Error(`vitalseal ${args.join(' ')} ended with ${code}: ${err}${out}`);
  return out;
}

/** Starts `vitalseal` and resolves with its first line. Throws with its last words when it ends before that. */
export async function startVitalseal(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Running & { readonly firstLine: string }> {
  const line = [...(options.under ?? []), process.execPath, VITALSEAL, ...args];
  const program = startProgram(line[0] ?? '', line.slice(1), options);
  let ended: number | string | undefined;
  void program.exited.then((code) => {
    ended = code;
  });
  const firstLine = await until(`line from vitalseal ${args[0]}`, () => {
    const [line, more] = program.out().split('\n', 2);
    return more === undefined ? ended !== undefined && '' : line;
  });
  if (firstLine === '') throw new Error(`vitalseal ${args.join(' ')} ended with ${ended}: ${program.err()}`);
  return { ...program, firstLine };
}

/** Ends whatever still runs. For `afterAll`. */
export async function endPrograms(): Promise<void> {
  const ended = [...running].map(
    (child) => child.exitCode === null && new Promise((resolve) => child.once('close', resolve)),
  );
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ended);
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
