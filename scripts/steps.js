/** Runs named commands, at most `SIDE_BY_SIDE` at once, and prints the output of those that fail, or live. */
import { spawn } from 'node:child_process';
import process from 'node:process';

const SIDE_BY_SIDE = 2;

/**
 * A step that is `live` writes where we write, as it goes; the others only when they have failed.
 * @param {{name: string, command: string, args: string[], live?: boolean}[]} steps
 * @returns {Promise<string[]>} the names of those that failed
 */
export async function runSteps(steps) {
  const waiting = [...steps];
  const failed = [];
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const started = Date.now();
      const { code, output } = await runStep(step);
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)\n`);
      if (code !== 0) failed.push(step.name);
      if (code !== 0 && !step.live) process.stdout.write(`${output.trimEnd()}\n`);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(', ')}\n`);
  return failed;
}

function runStep({ command, args, live = false }) {
  return new Promise((resolve) => {
    const stdio = live ? 'inherit' : 'pipe';
    const child = spawn(command, args, { stdio: ['ignore', stdio, stdio] });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 1, output: `cannot start ${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}
