/** Figures as every bench prints them: a table for people, one line of JSON for machines. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The most it may be; absent where a figure is only shown. */
  readonly target?: number;
}

const DIGITS = 3;

export function printFigures(figures: readonly Figure[], asJson: boolean): void {
  const judged = figures.map((figure) => ({
    ...figure,
    value: Number(figure.value.toPrecision(DIGITS)),
    met: figure.target === undefined ? null : figure.value <= figure.target,
  }));
  if (asJson) {
    const [cpu] = cpus();
    const machine = { cpu: cpu?.model ?? 'unknown', cores: cpus().length, node: process.version };
    process.stdout.write(`${JSON.stringify({ machine, commit: commit(), figures: judged })}\n`);
    return;
  }
  for (const { name, value, unit, target, met } of judged) {
    const verdict = target === undefined ? '' : `   target <= ${target}: ${met ? 'met' : 'MISSED'}`;
    process.stdout.write(`${name.padEnd(20)} ${value} ${unit}${verdict}\n`);
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
