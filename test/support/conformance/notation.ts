/**
 * Packets as the conformance table writes them. Tokens with spaces between:
 *
 *     10 82 003c   bytes, in hex
 *     ~            the remaining length of everything after it (MQTT 3.1.1 section 2.2.3)
 *     'text'       the text in UTF-8
 *     "text"       a string field: two bytes of length, then the text
 *     [ ... ]      a string field of whatever tokens stand in it
 *     ??           any byte, in what is expected
 *     |            the end of a packet; the next goes into the same segment
 *
 * In texts, {device} is the URN of the case's device and {case} a client id that no other case has.
 */
import { remainingLength } from '../../../gateway/testing/raw-mqtt.ts';

/** A byte, or undefined where any byte will do. */
export type Pattern = readonly (number | undefined)[];

export type Names = Readonly<Record<'device' | 'case', string>>;

const TOKEN = /\s*(?:(~)|(\?\?)|(\[)|(\])|'([^']*)'|"([^"]*)"|((?:[0-9a-fA-F]{2})+))/y;

/** Reads one packet. Throws RangeError for what is not in the notation: a case nobody can trust. */
export function parsePacket(line: string, names: Names): Pattern {
  const groups: (number | undefined)[][] = [[]];
  let lengthAt: number | undefined;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < line.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(line);
    if (token === null) throw new RangeError(`no packet: ${line.slice(at)}`);
    if (token[1] !== undefined) lengthAt = groups.at(-1)?.length;
    else readToken(token, groups, names);
  }
  const [bytes, ...unclosed] = groups as [(number | undefined)[], ...unknown[]];
  if (unclosed.length > 0) throw new RangeError(`a field is not closed: ${line}`);
  if (lengthAt === undefined) return bytes;
  const body = bytes.slice(lengthAt);
  return [...bytes.slice(0, lengthAt), ...remainingLength(body.length), ...body];
}

function readToken(token: RegExpExecArray, groups: (number | undefined)[][], names: Names): void {
  const [, , any, open, close, text, field, hex = ''] = token;
  const into = groups.at(-1) as (number | undefined)[];
  if (any !== undefined) into.push(undefined);
  else if (open !== undefined) groups.push([]);
  else if (close !== undefined) endField(groups);
  else if (text !== undefined) append(into, bytesOf(text, names));
  else if (field !== undefined) append(into, withLength(bytesOf(field, names)));
  else append(into, [...Buffer.from(hex, 'hex')]);
}

/** The packets of a line without wildcards, one behind the other. */
export function packetBytes(line: string, names: Names): Buffer {
  const patterns = line.split('|').map((packet) => parsePacket(packet, names));
  if (patterns.some((pattern) => pattern.includes(undefined)))
    throw new RangeError(`a packet to send has no wildcards: ${line}`);
  return Buffer.concat(patterns.map((pattern) => Buffer.from(pattern as number[])));
}

export function matches(packet: Uint8Array, pattern: Pattern): boolean {
  return (
    packet.length === pattern.length && pattern.every((byte, at) => byte === undefined || byte === packet[at])
  );
}

function endField(groups: (number | undefined)[][]): void {
  const content = groups.pop() ?? [];
  const into = groups.at(-1);
  if (into === undefined) throw new RangeError('a field is closed that was not opened');
  append(into, withLength(content));
}

/** Not a spread: a field may have 65,535 bytes, more than a call may have arguments on some engines. */
function append(into: (number | undefined)[], bytes: Pattern): void {
  for (const byte of bytes) into.push(byte);
}

function withLength(content: Pattern): Pattern {
  return [content.length >> 8, content.length & 0xff, ...content];
}

function bytesOf(text: string, names: Names): number[] {
  return [...Buffer.from(text.replaceAll('{device}', names.device).replaceAll('{case}', names.case))];
}
