/** The gateway and the provider as a user runs them: processes of their own, started by the vitalseal command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

const COMMAND = join(import.meta.dirname, '..', 'vitalseal.js');
const START_WITHIN_MS = 30_000;
const ERRORS_SHOWN = 2_000;

/** A running `vitalseal` command, its log in a file. */
export interface Running {
  readonly pid: number;
  /** The first line it wrote to standard output. */
  readonly firstLine: string;
  /** Settles with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): void;
}

/** Starts a command and resolves with its first line. Throws with its own last words when it ends before that. */
export async function start(args: readonly string[], logFile: string): Promise<Running> {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 1)),
  );
  const words = keepLog(child, logFile);
  // A demonstration that ends in any way leaves no process behind.
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  void exited.then(() => process.removeListener('exit', killOnExit));
  const firstLine = await firstLineOf(child, exited, () => `vitalseal ${args[0]} did not start: ${words()}`);
  return { pid: child.pid ?? -1, firstLine, exited, kill: (signal) => void child.kill(signal) };
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
): Promise<{ code: number | string; out: string; err: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1)),
  );
  return { code, out: out(), err: err() };
}

/** Runs a command that must succeed, and returns what it printed. */
export async function mustRun(args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(args);
  if (code !== 0)
    throw new Error(`vitalseal ${args.join(' ')} ended with ${code}: ${err.trim() || out.trim()}`);
  return out;
}

function keepLog(child: ChildProcess, logFile: string): () => string {
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stderr?.pipe(log);
  return collect(child.stderr);
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

async function firstLineOf(
  child: ChildProcess,
  exited: Promise<unknown>,
  explain: () => string,
): Promise<string> {
  if (child.stdout === null) throw new TypeError('child: has no standard output');
  const lines = createInterface({ input: child.stdout });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const timer = Promise.withResolvers<undefined>();
  const timeout = setTimeout(() => timer.resolve(undefined), START_WITHIN_MS);
  const first = await Promise.race([line, exited.then(() => undefined), timer.promise]);
  clearTimeout(timeout);
  if (first !== undefined) return first;
  child.kill('SIGKILL');
  throw new Error(explain().slice(-ERRORS_SHOWN));
}
