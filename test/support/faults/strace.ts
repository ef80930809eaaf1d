/** strace on a running gateway: it makes system calls fail or fatal, and writes down in which order they were made. */
import { existsSync, readFileSync } from 'node:fs';
import { startProgram } from '../command.ts';
import { until } from '../wait.ts';

export interface Trace {
  /** What was written down so far: a line for each call, or two when another thread's call came in between. */
  text(): string;
  /** Lets the process go on untraced; resolves with the whole text. Also when the process is gone. */
  detach(): Promise<string>;
}

/** Attaches to a process and all its threads. @param options of strace: which calls, which faults. */
export async function attachStrace(pid: number, file: string, options: readonly string[]): Promise<Trace> {
  const strace = startProgram('strace', ['-f', '-o', file, '-p', String(pid), ...options]);
  let ended = false;
  void strace.exited.then(() => {
    ended = true;
  });
  const attached = (): boolean => strace.err().includes('attached');
  await until('strace', () => ended || attached());
  // A fault may have ended the process, and strace with it, by now.
  if (!attached()) throw new Error(`strace: ${strace.err()}`);
  const text = (): string => (existsSync(file) ? readFileSync(file, 'latin1') : '');
  const detach = async (): Promise<string> => {
    strace.kill('SIGTERM');
    await strace.exited;
    return text();
  };
  return { text, detach };
}
