/** Figures as every bench prints them: a table for people, one line of JSON for machines. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is to reach; absent where a figure is only shown. */
  readonly target?: number;
  /** Whether the target is the most the figure may be, or the least. Default: the most. */
  readonly bound?: 'most' | 'least';
}

const DIGITS = 3;
const NAME_WIDTH = 28;

export function printFigures(figures: readonly Figure[], asJson: boolean): void {
  const judged = figures.map(({ bound = 'most', ...figure }) => ({
    ...figure,
    bound,
    value: Number(figure.value.toPrecision(DIGITS)),
    met: isMet(figure.value, figure.target, bound),
  }));
  if (asJson) {
    const [cpu] = cpus();
    const machine = { cpu: cpu?.model ?? 'unknown', cores: cpus().length, node: process.version };
    const plain = judged.map(({ bound: _, target = null, ...rest }) => ({ ...rest, target }));
    process.stdout.write(`${JSON.stringify({ machine, commit: commit(), figures: plain })}\n`);
    return;
  }
  for (const { name, value, unit, target, bound, met } of judged) {
    const sign = bound === 'most' ? '<=' : '>=';
    const verdict = target === undefined ? '' : `   target ${sign} ${target}: ${met ? 'met' : 'MISSED'}`;
    process.stdout.write(`${name.padEnd(NAME_WIDTH)} ${value} ${unit}${verdict}\n`);
  }
}

function isMet(value: number, target: number | undefined, bound: 'most' | 'least'): boolean | null {
  if (target === undefined) return null;
  return bound === 'most' ? value <= target : value >= target;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
