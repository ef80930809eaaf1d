/** A statement in words people can read. */
import type { Statement } from '../src/statement.ts';
import { type Reading, readContent } from './statement-content.ts';

const READINGS_SHOWN = 8;

/** Who said it, when by its own clock, and the first readings, or all. */
export function describeStatement(statement: Statement, index: number | undefined, showAll: boolean): string {
  const { issuer, boot, seq } = statement;
  const { stream, algorithm, contentType, deviceClock, readings, payload } = readContent(statement);
  const clock = deviceClock === undefined ? 'device clock not set' : `device clock ${deviceClock}`;
  const place = index === undefined ? '' : `, log index ${index}`;
  const head = `${oneLine(issuer)} stream ${oneLine(stream)}, boot ${boot} seq ${seq}${place}, ${clock}, signed with ${algorithm}`;
  if (readings === undefined)
    return `${head}\n  ${payload?.length ?? 0} bytes of ${oneLine(String(contentType))} that are no readings`;
  const lines = readings.slice(0, showAll ? readings.length : READINGS_SHOWN).map(readingLine);
  const more = readings.length - lines.length;
  return [head, ...lines, ...(more > 0 ? [`  and ${more} more: --all shows them`] : [])].join('\n');
}

function readingLine({ name, unit, value, sum, time }: Reading): string {
  const when = typeof time === 'string' ? time : `${time.secondsAfterUnknownMoment} s after no known moment`;
  const said = value instanceof Uint8Array ? `${value.length} bytes of samples` : value;
  const parts = [name, said, sum === undefined ? undefined : `sum ${sum}`, unit];
  const words = parts.flatMap((part) => (part === undefined || part === '' ? [] : oneLine(String(part))));
  return `  ${words.join(' ')} at ${when}`;
}

/** Text from a file on one line, without what would steer a terminal: who made the file shall not write lines of ours. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}
