/** Reads what strace wrote down (-f -yy -xx) into events in the order in which they happened, and looks for broken promises in it. */
import { createHash } from 'node:crypto';

/** One end of a system call. A call that another thread interrupted in the text is two lines; `begins` and `ends` are then apart. */
export type TraceEvent =
  | { readonly kind: 'stored'; readonly file: string; readonly bytes: string }
  | {
      readonly kind: 'sync-begins' | 'sync-ends';
      readonly file: string;
      readonly thread: string;
      readonly good: boolean;
    }
  | { readonly kind: 'received'; readonly socket: string; readonly bytes: string }
  | { readonly kind: 'sent'; readonly socket: string; readonly bytes: string };

/** A PUBACK and what it was for; `durable`: whether an fsync that began after the entry was written had ended before. */
export interface Acknowledgement {
  readonly entry: string;
  readonly packetId: number;
  readonly durable: boolean;
}

const LINE = /^(\d+) +(.*)$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/;
const CALL = /^(\w+)\((\d+)<(.*?)>(?:, |\)| <unfinished)/;
const ESCAPED = /"((?:\\x[0-9a-f]{2})*)"/g;

/** @param files names of the files whose writes and syncs count */
export function readTrace(text: string, files: readonly string[]): TraceEvent[] {
  const begun = new Map<string, string>();
  const events: TraceEvent[] = [];
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = LINE.exec(line) ?? [];
    const resumed = RESUMED.exec(rest);
    if (rest.includes('<unfinished ...>')) begun.set(thread, rest);
    const whole = resumed === null ? rest : `${begun.get(thread) ?? ''}${resumed[2]}`;
    const phases = {
      begins: resumed === null,
      ends: !rest.includes('<unfinished ...>'),
    };
    events.push(...eventsOf(thread, whole, phases, files));
  }
  return events;
}

interface Phases {
  readonly begins: boolean;
  readonly ends: boolean;
}

function eventsOf(thread: string, text: string, phases: Phases, files: readonly string[]): TraceEvent[] {
  const [, call = '', , escaped = ''] = CALL.exec(text) ?? [];
  const target = unescaped(escaped); // with -xx paths are in hex as well
  if (target.startsWith('TCP:')) return socketEvents(call, target, text, phases);
  const file = target.slice(target.lastIndexOf('/') + 1);
  return files.includes(file) ? fileEvents({ call, thread, file }, text, phases) : [];
}

function fileEvents(
  { call, thread, file }: { readonly call: string; readonly thread: string; readonly file: string },
  text: string,
  { begins, ends }: Phases,
): TraceEvent[] {
  if (call === 'pwrite64')
    return ends && isGood(text) ? [{ kind: 'stored', file, bytes: bytesIn(text) }] : [];
  if (call !== 'fsync' && call !== 'fdatasync') return [];
  const good = isGood(text);
  return [
    ...(begins ? [{ kind: 'sync-begins', file, thread, good } as const] : []),
    ...(ends ? [{ kind: 'sync-ends', file, thread, good } as const] : []),
  ];
}

/** What is received counts from the end of its call, what is sent from the beginning: the worst case for a promise. */
function socketEvents(call: string, socket: string, text: string, { begins, ends }: Phases): TraceEvent[] {
  const isRead = call.startsWith('read') || call.startsWith('recv');
  if (isRead) return ends && isGood(text) ? [{ kind: 'received', socket, bytes: bytesIn(text) }] : [];
  return begins ? [{ kind: 'sent', socket, bytes: bytesIn(text) }] : [];
}

function isGood(text: string): boolean {
  return / = \d+(?: |$)/.test(text);
}

function unescaped(text: string): string {
  return text.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Every byte string in a line, one after another, in hex. */
function bytesIn(text: string): string {
  return [...text.matchAll(ESCAPED)].map(([, escaped = '']) => escaped.replaceAll('\\x', '')).join('');
}

/** Every PUBACK for one of these entries, judged. Packet ids are learnt from the PUBLISH packets received. */
export function acknowledgements(
  events: readonly TraceEvent[],
  entries: readonly string[],
): Acknowledgement[] {
  const wanted = new Set(entries);
  const streams = new MqttStreams();
  const published = new Map<string, string>();
  const durability = new Durability(wanted);
  const found: Acknowledgement[] = [];
  for (const event of events) {
    durability.note(event);
    for (const packet of streams.packetsIn(event)) {
      const { packetId, entry } = packet.kind === 'received' ? readPublish(packet) : readPuback(packet);
      const exchange = `${packet.socket} ${packetId}`;
      if (entry !== undefined) published.set(exchange, entry);
      const answered = packet.kind === 'sent' ? published.get(exchange) : undefined;
      if (answered !== undefined && wanted.has(answered))
        found.push({ entry: answered, packetId, durable: durability.has(answered) });
    }
  }
  return found;
}

/** Which entries an fsync has covered. An fsync covers what was written to the same file before it began. */
class Durability {
  readonly #wanted: ReadonlySet<string>;
  readonly #written = new Map<string, Set<string>>();
  readonly #covered = new Map<string, readonly string[]>();
  readonly #durable = new Set<string>();

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  note(event: TraceEvent): void {
    if (event.kind === 'stored') {
      const written = this.#written.get(event.file) ?? new Set();
      this.#written.set(event.file, written);
      for (const entry of this.#wanted) if (event.bytes.includes(entry)) written.add(entry);
    } else if (event.kind === 'sync-begins') {
      this.#covered.set(event.thread, [...(this.#written.get(event.file) ?? [])]);
    } else if (event.kind === 'sync-ends' && event.good) {
      for (const entry of this.#covered.get(event.thread) ?? []) this.#durable.add(entry);
    }
  }

  has(entry: string): boolean {
    return this.#durable.has(entry);
  }
}

interface MqttPacket {
  readonly kind: 'received' | 'sent';
  readonly socket: string;
  readonly type: number;
  readonly flags: number;
  /** Variable header and payload, in hex. */
  readonly body: string;
}

/** Cuts both directions of every socket into packets, by the fixed headers of MQTT 3.1.1 (section 2.2). */
class MqttStreams {
  readonly #rests = new Map<string, string>();

  *packetsIn(event: TraceEvent): Generator<MqttPacket> {
    if (event.kind !== 'received' && event.kind !== 'sent') return;
    const { kind, socket } = event;
    const stream = `${kind} ${socket}`;
    let rest = (this.#rests.get(stream) ?? '') + event.bytes;
    for (let size = packetSize(rest); size !== undefined; size = packetSize(rest)) {
      const head = Number.parseInt(rest.slice(0, 2), 16);
      const body = rest.slice(size.header, size.whole);
      yield { kind, socket, type: head >> 4, flags: head & 0x0f, body };
      rest = rest.slice(size.whole);
    }
    this.#rests.set(stream, rest);
  }
}

/** Hex digits of the first packet's fixed header and of the whole of it; undefined while it is not all there. */
function packetSize(stream: string): { header: number; whole: number } | undefined {
  let length = 0;
  for (let at = 2, shift = 0; at + 2 <= stream.length; at += 2, shift += 7) {
    const byte = Number.parseInt(stream.slice(at, at + 2), 16);
    length += (byte & 0x7f) * 2 ** shift;
    const whole = at + 2 + 2 * length;
    if (byte < 0x80) return stream.length < whole ? undefined : { header: at + 2, whole };
  }
  return undefined;
}

/** Packet id and entry of a QoS 1 PUBLISH (section 3.3). */
function readPublish({ type, flags, body }: MqttPacket): { packetId: number; entry?: string } {
  if (type !== 3 || (flags & 0x06) !== 0x02) return { packetId: -1 };
  const afterTopic = 4 + 2 * Number.parseInt(body.slice(0, 4), 16);
  const payload = Buffer.from(body.slice(afterTopic + 4), 'hex');
  return {
    packetId: Number.parseInt(body.slice(afterTopic, afterTopic + 4), 16),
    entry: createHash('sha256').update(payload).digest('hex'),
  };
}

/** Packet id of a PUBACK (section 3.4). */
function readPuback({ type, body }: MqttPacket): { packetId: number; entry?: undefined } {
  return { packetId: type === 4 ? Number.parseInt(body.slice(0, 4), 16) : -1 };
}
