/** Reading recordings line by line, so that a mistake in one is named by file and line. */
import { type Decimal, parseDecimal } from '../../src/decimal.ts';

/** What is wrong with a recording, and where. Lines count from 1. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line}: ${problem}`);
    this.file = file;
    this.line = line;
  }
}

/** A line and where it stands. */
export interface Line {
  readonly file: string;
  readonly number: number;
  readonly text: string;
}

/** The lines of a text; line ends of either kind, a missing last one allowed. */
export function splitLines(file: string, text: string): Line[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, i) => ({ file, number: i + 1, text: line }));
}

/** The error for a line. */
export function fault(line: Line, problem: string): RecordingError {
  return new RecordingError(line.file, line.number, problem);
}

/** The line with this index; the error names the first line that is missing. */
export function requireLine(file: string, lines: readonly Line[], index: number, what: string): Line {
  const line = lines[index];
  if (line === undefined) throw new RecordingError(file, lines.length + 1, `ends before ${what}`);
  return line;
}

/** Exactly `count` decimals between separators, with the places they are written with. */
export function parseColumns(line: Line, separator: string, count: number): Decimal[] {
  const cells = line.text.split(separator).map((cell) => cell.trim());
  if (cells.length !== count) throw fault(line, `${cells.length} columns where there should be ${count}`);
  return cells.map((cell) => parseNumber(line, cell));
}

/** A decimal with the places it is written with. */
export function parseNumber(line: Line, text: string): Decimal {
  const value = parseDecimal(text.trim());
  if (value === undefined) throw fault(line, 'not a number');
  return value;
}

/** A whole number from `least` up, as "32.000000" or "32". */
export function parseWhole(line: Line, text: string, least: number, what: string): number {
  const value = Number(text.trim());
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw fault(line, `${what}: not a whole number from ${least}`);
  }
  return value;
}
