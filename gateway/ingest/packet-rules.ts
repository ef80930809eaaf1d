/**
 * What the packets of an MQTT 3.1.1 client may hold, read from their bytes. The broker library decodes ill-formed UTF-8 with
 * replacement characters and lets through what the standard forbids; so nothing is derived from a packet before this file has
 * read it. Numbers in brackets are the standard's.
 */

/** Packet types that a client may send (MQTT 3.1.1 section 2.2.1). */
export const PACKET = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

/** Longest topic or filter: the longest URN of a device between the levels of its topics fits, and nothing much longer has a use. */
export const TOPIC_BYTES_MAX = 256;
/** Filters of one SUBSCRIBE or UNSUBSCRIBE. A device has four topics to hear. */
const FILTERS_MAX = 16;
/** MQTT 3.1.1 lets a server take longer ids than 23 bytes; a URN with a suffix fits. */
const CLIENT_ID_MAX = 256;
/** A will lies in memory for as long as its connection lasts, so it must be short. */
const WILL_BYTES_MAX = 4096;
/** A token with the longest names, in base64url, has about a thousand. */
const PASSWORD_BYTES_MAX = 2048;
/** Everything that a CONNECT may hold, with its lengths. */
const CONNECT_BYTES_MAX = 8192;
const FILTER_PACKET_BYTES_MAX = 2 + FILTERS_MAX * (TOPIC_BYTES_MAX + 3);

/** CONNACK return codes (MQTT 3.1.1 table 3.1). */
export const RETURN_CODE = {
  protocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorised: 5,
} as const;

/** What a CONNECT says. Every text is well-formed and without control characters. */
export interface ConnectFields {
  readonly clientId: string;
  /** Empty when there is none. */
  readonly username: string;
  readonly password: Uint8Array | undefined;
  /** 0: the client promises nothing. */
  readonly keepAliveSeconds: number;
  readonly will: { readonly topic: string; readonly qos: number } | undefined;
}

/** Why a packet is refused, with the return code that a CONNECT is answered with, when it is answered. */
export interface PacketFault {
  readonly kind: 'fault';
  readonly detail: string;
  readonly returnCode?: number;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * The text in these bytes, or undefined when they are not well-formed UTF-8 (which has no surrogates) [MQTT-1.5.3-1], or have
 * U+0000 [MQTT-1.5.3-2] or another control character in them (section 1.5.3 lets a server refuse those).
 */
export function readText(bytes: Uint8Array): string | undefined {
  try {
    const text = UTF8.decode(bytes); // attacker-controlled
    return CONTROL.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What is wrong with the first byte of a packet from a client [MQTT-2.2.2-1, MQTT-3.3.1-2, MQTT-3.3.1-4]; undefined if nothing. */
export function firstByteFault(first: number): string | undefined {
  const flags = first & 15;
  switch (first >> 4) {
    case PACKET.publish:
      if ((flags & 6) === 6) return 'PUBLISH with QoS 3';
      return (flags & 14) === 8 ? 'PUBLISH with DUP and QoS 0' : undefined;
    case PACKET.pubrel:
    case PACKET.subscribe:
    case PACKET.unsubscribe:
      return flags === 2 ? undefined : 'reserved flags that are not 0010';
    case PACKET.connect:
    case PACKET.puback:
    case PACKET.pubrec:
    case PACKET.pubcomp:
    case PACKET.pingreq:
    case PACKET.disconnect:
      return flags === 0 ? undefined : 'reserved flags that are not 0000';
    default:
      return 'a packet type that no client may send';
  }
}

/** Longest body of a packet of this type. `publish`: the configured longest body of a PUBLISH. */
export function longestBody(type: number, publish: number): number {
  switch (type) {
    case PACKET.publish:
      return publish;
    case PACKET.connect:
      return Math.min(CONNECT_BYTES_MAX, publish);
    case PACKET.subscribe:
    case PACKET.unsubscribe:
      return Math.min(FILTER_PACKET_BYTES_MAX, publish);
    case PACKET.pingreq:
    case PACKET.disconnect:
      return 0;
    default:
      return 2;
  }
}

/** Shortest body of a packet of this type. */
export function shortestBody(type: number): number {
  switch (type) {
    case PACKET.publish:
      return 3;
    case PACKET.connect:
      return 12;
    case PACKET.subscribe:
    case PACKET.unsubscribe:
      return 5;
    case PACKET.pingreq:
    case PACKET.disconnect:
      return 0;
    default:
      return 2;
  }
}

/** What is wrong with the topic of a PUBLISH, in these bytes [MQTT-3.3.2-1, MQTT-3.3.2-2, MQTT-4.7.3-1]. The common case is plain ASCII. */
export function topicFault(bytes: Uint8Array, from = 0, to = bytes.length): string | undefined {
  if (from === to) return 'an empty topic';
  let plain = true;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x23 || byte === 0x2b) return 'a wildcard in the topic of a PUBLISH';
    if (byte < 0x20 || byte > 0x7e) plain = false;
  }
  if (plain || readText(bytes.subarray(from, to)) !== undefined) return undefined;
  return 'a topic with characters that must not be there';
}

/** What is wrong with a SUBSCRIBE or UNSUBSCRIBE [MQTT-2.3.1-1, MQTT-3.8.3-3, MQTT-3.8.3-4, MQTT-3.10.3-2]. */
export function filtersFault(type: number, body: Uint8Array): string | undefined {
  const fields = new Fields(body);
  if (fields.number() === 0) return 'packet id 0';
  for (let count = 1; ; count++) {
    if (count > FILTERS_MAX) return `more than ${FILTERS_MAX} filters`;
    const filter = fields.bytes();
    if (filter === undefined) return 'a filter that is cut short';
    if (filter.length === 0 || filter.length > TOPIC_BYTES_MAX)
      return 'a filter that is empty or much too long';
    if (readText(filter) === undefined) return 'a filter with characters that must not be there';
    if (type === PACKET.subscribe && (fields.byte() ?? 3) > 2)
      return 'a filter with a QoS that does not exist';
    if (fields.left === 0) return undefined;
  }
}

/** Reads a CONNECT. The user name must be the device's URN, and a will a statement of it: that is for the caller to say. */
export function readConnect(body: Uint8Array): { kind: 'ok'; value: ConnectFields } | PacketFault {
  const fields = new Fields(body);
  const protocol = protocolFault(fields.text(), fields.byte());
  if (protocol !== undefined) return protocol;
  const flags = fields.byte() ?? 1;
  const flag = connectFlagsFault(flags);
  if (flag !== undefined) return fault(flag);
  const keepAliveSeconds = fields.number();
  const clientId = fields.text();
  if (keepAliveSeconds === undefined || clientId === undefined || clientId.length > CLIENT_ID_MAX) {
    return fault(
      'the client id is too long or has characters that must not be there',
      RETURN_CODE.identifierRejected,
    );
  }
  if (clientId === '' && (flags & 0x02) === 0)
    return fault('no client id, but a session to keep', RETURN_CODE.identifierRejected); // [MQTT-3.1.3-8]
  const will = (flags & 0x04) === 0 ? undefined : readWill(fields, flags);
  if (will?.kind === 'fault') return will;
  const username = (flags & 0x80) === 0 ? '' : fields.text();
  if (username === undefined)
    return fault('a user name with characters that must not be there', RETURN_CODE.badUserNameOrPassword);
  const password = (flags & 0x40) === 0 ? undefined : fields.bytes();
  if ((flags & 0x40) !== 0 && password === undefined) return fault('a password that is cut short');
  if ((password?.length ?? 0) > PASSWORD_BYTES_MAX)
    return fault('a password much longer than any token', RETURN_CODE.badUserNameOrPassword);
  if (fields.left > 0) return fault('bytes after the last field of CONNECT');
  const copy = password && Uint8Array.from(password);
  return { kind: 'ok', value: { clientId, username, password: copy, keepAliveSeconds, will: will?.value } };
}

/** MQTT 3.1.1 and 3.1; the top bit of the level is how bridges mark themselves. Anything else is told so [MQTT-3.1.2-2]. */
function protocolFault(name: string | undefined, level: number | undefined): PacketFault | undefined {
  if (level === undefined || (name !== 'MQTT' && name !== 'MQIsdp')) return fault('not MQTT');
  return (level & 0x7f) === (name === 'MQTT' ? 4 : 3)
    ? undefined
    : fault('another version of MQTT', RETURN_CODE.protocolVersion);
}

/** [MQTT-3.1.2-3, MQTT-3.1.2-13, MQTT-3.1.2-14, MQTT-3.1.2-15, MQTT-3.1.2-22] */
function connectFlagsFault(flags: number): string | undefined {
  if ((flags & 0x01) !== 0) return 'the reserved flag of CONNECT is set';
  if ((flags & 0x04) === 0 && (flags & 0x38) !== 0) return 'no will, but flags of one';
  if ((flags & 0x18) === 0x18) return 'a will with QoS 3';
  return (flags & 0xc0) === 0x40 ? 'a password without a user name' : undefined;
}

function readWill(
  fields: Fields,
  flags: number,
): { kind: 'ok'; value: NonNullable<ConnectFields['will']> } | PacketFault {
  const topicBytes = fields.bytes();
  const payload = fields.bytes();
  if (topicBytes === undefined || payload === undefined) return fault('a will that is cut short');
  if (topicBytes.length > TOPIC_BYTES_MAX || topicFault(topicBytes) !== undefined)
    return fault('the will has no usable topic');
  if (payload.length > WILL_BYTES_MAX) return fault(`the will is longer than ${WILL_BYTES_MAX} bytes`);
  return { kind: 'ok', value: { topic: readText(topicBytes) ?? '', qos: (flags >> 3) & 3 } };
}

function fault(detail: string, returnCode?: number): PacketFault {
  return { kind: 'fault', detail, ...(returnCode !== undefined && { returnCode }) };
}

/** Reads the fields of a body one after another; undefined when they are not there. */
class Fields {
  readonly #body: Uint8Array;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  get left(): number {
    return this.#body.length - this.#at;
  }

  byte(): number | undefined {
    return this.#body[this.#at++];
  }

  number(): number | undefined {
    const [high, low] = [this.byte(), this.byte()];
    return high === undefined || low === undefined ? undefined : (high << 8) | low;
  }

  /** Two bytes of length, then so many bytes. A view, not a copy. */
  bytes(): Uint8Array | undefined {
    const length = this.number();
    if (length === undefined || length > this.left) return undefined;
    this.#at += length;
    return this.#body.subarray(this.#at - length, this.#at);
  }

  text(): string | undefined {
    const bytes = this.bytes();
    return bytes && readText(bytes);
  }
}
