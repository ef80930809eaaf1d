/** When a statement was made, in words: what blocks prove, and how that is known. */
import type { BlockEvidence, BlockMoment, TimeInterval } from '../src/receipt/answer.ts';

const EVIDENCE: Readonly<Record<BlockEvidence, string>> = {
  beacon: 'the statement names its hash',
  'anchor-event': 'its anchor was found in it',
  'event-proof': 'its anchor stands in it by the proof in the file',
};

/** Both ends with what they rest on. The device's clock is evidence for neither, so an end without a block is open. */
export function describeInterval({ notBefore, notAfter }: TimeInterval): string {
  return `not before ${describeEnd(notBefore)}; not after ${describeEnd(notAfter)}`;
}

/** Both ends, for a line among many. */
export function formatInterval({ notBefore, notAfter }: TimeInterval): string {
  return `${formatEnd(notBefore)} to ${formatEnd(notAfter)}`;
}

function describeEnd(end: BlockMoment | undefined): string {
  if (end === undefined) return 'open';
  return `${formatEnd(end)} (block ${end.blockNumber} of chain ${end.chainId}: ${EVIDENCE[end.by]})`;
}

function formatEnd(end: BlockMoment | undefined): string {
  return end === undefined ? 'open' : formatTime(end.time);
}

/** How long, in its two largest units. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const largest = units.findIndex(([size]) => whole >= size);
  if (largest < 0) return 'less than 1 s';
  const [[size, name], next] = [units[largest] ?? units[3], units[largest + 1]];
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[0]);
  return `${Math.floor(whole / size)} ${name}${rest > 0 ? ` ${rest} ${next?.[1]}` : ''}`;
}

/** Seconds since the Unix epoch. A moment outside what ECMAScript can write is told in seconds. */
export function formatTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds} s` : time.toISOString();
}
