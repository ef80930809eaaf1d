/**
 * A second reader of statements, written from docs/protocol.md over the tokens of another CBOR library, to be compared with
 * the one in `src`. It says only what the bytes hold, or that they are no statement.
 */
import { encode, type Token, Tokenizer, Type } from 'cborg';

/** What stands in a statement. */
export interface StatementContent {
  readonly algorithm: string;
  readonly kid: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly contentType: number | string;
  readonly issuedAt: number | undefined;
  readonly seq: number;
  readonly prev: Uint8Array | undefined;
  readonly beacon: { readonly blockNumber: bigint; readonly blockHash: Uint8Array } | undefined;
  readonly boot: number;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly signedBytes: Uint8Array;
}

class NotAStatement extends Error {}

/** A float, told apart from an integer of the same value. */
class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
class Tagged {
  readonly tag: number;
  readonly item: Item;
  constructor(tag: number, item: Item) {
    this.tag = tag;
    this.item = item;
  }
}
type Item =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | Float
  | Tagged
  | Item[]
  | Map<unknown, Item>;

const MAX_DEPTH = 16;
const MAX_PAIRS = 256;
const ALGORITHMS: Readonly<Record<number, string>> = {
  [-7]: 'ESP256',
  [-9]: 'ESP256',
  [-8]: 'Ed25519',
  [-19]: 'Ed25519',
  [-47]: 'ES256K',
};

/** The content of a statement, or undefined when the bytes are none. Throws nothing else than what a bug throws. */
export function readStatement(bytes: Uint8Array): StatementContent | undefined {
  try {
    return contentOf(bytes);
  } catch (error) {
    if (error instanceof NotAStatement || isCborgError(error)) return undefined;
    throw error;
  }
}

/** cborg has no error class of its own; all its messages begin alike. */
function isCborgError(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('CBOR ');
}

function demand(condition: unknown): asserts condition {
  if (!condition) throw new NotAStatement();
}

function contentOf(bytes: Uint8Array): StatementContent {
  const message = readItem(bytes);
  demand(message instanceof Tagged && message.tag === 18);
  const parts = message.item;
  demand(Array.isArray(parts) && parts.length === 4);
  const [head, unprotected, payload, signature] = parts;
  demand(head instanceof Uint8Array && unprotected instanceof Map && unprotected.size === 0);
  demand(payload instanceof Uint8Array && signature instanceof Uint8Array && signature.length === 64);
  const header = readItem(head);
  demand(header instanceof Map);
  const known = new Set([1, 3, 4, 15, -70001, -70002, -70003, -70004]);
  for (const label of header.keys()) demand(known.has(label as number));
  const signedBytes = encode(['Signature1', head, new Uint8Array(0), payload]);
  return { ...headerOf(header), payload, signature, signedBytes };
}

function headerOf(
  header: Map<unknown, Item>,
): Omit<StatementContent, 'payload' | 'signature' | 'signedBytes'> {
  const algorithm = ALGORITHMS[header.get(1) as number];
  demand(typeof header.get(1) === 'number' && algorithm !== undefined);
  const contentType = header.get(3);
  demand(
    typeof contentType === 'string'
      ? isMediaType(contentType)
      : isUint(contentType) && (contentType as number) <= 65_535,
  );
  const kid = header.get(4);
  demand(kid instanceof Uint8Array && kid.length === 8);
  const seq = header.get(-70001);
  const boot = header.has(-70004) ? header.get(-70004) : 0;
  demand(isUint(seq) && isUint(boot));
  const prev = header.get(-70002);
  demand(seq === 0 ? !header.has(-70002) : prev instanceof Uint8Array && prev.length === 32);
  return {
    algorithm,
    contentType: contentType as number | string,
    kid,
    seq: seq as number,
    boot: boot as number,
    prev: prev as Uint8Array | undefined,
    beacon: header.has(-70003) ? beaconOf(header.get(-70003)) : undefined,
    ...claimsOf(header.get(15)),
  };
}

function claimsOf(claims: Item | undefined): Pick<StatementContent, 'issuer' | 'subject' | 'issuedAt'> {
  demand(claims instanceof Map);
  for (const claim of claims.keys()) demand(claim === 1 || claim === 2 || claim === 6);
  const [issuer, subject, iat] = [claims.get(1), claims.get(2), claims.get(6)];
  demand(typeof issuer === 'string' && isUrn(issuer));
  demand(typeof subject === 'string' && subject !== '' && Buffer.byteLength(subject) <= 128);
  for (const char of subject) demand(!isControl(char.codePointAt(0) as number));
  if (!claims.has(6)) return { issuer, subject, issuedAt: undefined };
  const issuedAt = iat instanceof Float ? iat.value : iat;
  demand(typeof issuedAt === 'number');
  demand(issuedAt >= FIRST_S && issuedAt <= LAST_S);
  return { issuer, subject, issuedAt };
}

/** Seconds of 0001-01-01 and of the end of 9999. */
const [FIRST_S, LAST_S] = ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'].map(
  (t) => Date.parse(t) / 1000,
) as [number, number];

function beaconOf(item: Item | undefined): NonNullable<StatementContent['beacon']> {
  demand(Array.isArray(item) && item.length === 2);
  const [number, hash] = item;
  demand((typeof number === 'number' && Number.isInteger(number)) || typeof number === 'bigint');
  demand(number >= 0 && hash instanceof Uint8Array && hash.length === 32);
  return { blockNumber: BigInt(number), blockHash: hash };
}

function isUint(item: Item | undefined): boolean {
  return typeof item === 'number' && item >= 0;
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/** type "/" subtype and parameters, in printable ASCII, with no space at the end. */
function isMediaType(text: string): boolean {
  const slash = text.indexOf('/');
  const codes = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return (
    text.length <= 255 &&
    slash > 0 &&
    slash < text.length - 1 &&
    codes.every((code, i) => code < 0x7f && code >= (i < slash || i === text.length - 1 ? 0x21 : 0x20))
  );
}

/** RFC 9039 section 3.2, without pct-encoding: one level of an MQTT topic. */
function isUrn(text: string): boolean {
  if (text.length > 128 || !text.startsWith('urn:dev:')) return false;
  const [body = '', ...components] = text.slice(8).split('_');
  const isIdentifier = (part: string): boolean => /^[A-Za-z0-9.-]+$/.test(part);
  if (!components.every(isIdentifier)) return false;
  const [kind = '', ...rest] = body.split(':');
  const [first = '', ...further] = rest;
  if (!further.every(isIdentifier)) return false;
  switch (kind) {
    case 'mac':
    case 'ow':
      return rest.length === 1 && first.length > 0 && first.length % 2 === 0 && /^[0-9a-f]+$/.test(first);
    case 'org':
    case 'os':
      return /^[1-9][0-9]*-[A-Za-z0-9.-]+$/.test(first);
    case 'ops':
      return /^[1-9][0-9]*-[A-Za-z0-9.]+-[A-Za-z0-9.-]+$/.test(first);
    default:
      return /^[a-z][a-z0-9]*$/.test(kind) && isIdentifier(first);
  }
}

/** The one item that fills the bytes, when it is in the deterministic encoding. */
function readItem(bytes: Uint8Array): Item {
  const reader = new Reader(bytes);
  const item = reader.item(0);
  demand(reader.isAtEnd);
  return item;
}

/** Puts the tokens together. cborg checks heads for their shortest form; order, floats and text are checked here. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #tokens: Tokenizer;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#tokens = new Tokenizer(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowBigInt: true,
      allowInfinity: true,
      allowNaN: true,
    });
  }

  get isAtEnd(): boolean {
    return this.#tokens.done();
  }

  item(depth: number): Item {
    demand(!this.#tokens.done());
    const start = this.#tokens.pos();
    const token: Token = this.#tokens.next();
    const { type, value } = token;
    if (type.terminal) return this.#leaf(token, start);
    demand(depth < MAX_DEPTH);
    if (type === Type.array) return this.#array(value as number, depth + 1);
    if (type === Type.tag) {
      demand(Number.isSafeInteger(value));
      return new Tagged(value as number, this.item(depth + 1));
    }
    demand(type === Type.map);
    return this.#map(value as number, depth + 1);
  }

  #leaf({ type, value }: Token, start: number): Item {
    if (type === Type.float) return this.#float(value as number, start);
    if (type === Type.string) return this.#text(value as string, start);
    demand(type !== Type.undefined && type !== Type.break);
    return value as Item;
  }

  #array(length: number, depth: number): Item[] {
    const items: Item[] = [];
    while (items.length < length) items.push(this.item(depth));
    return items;
  }

  #map(pairs: number, depth: number): Map<unknown, Item> {
    demand(pairs <= MAX_PAIRS);
    const map = new Map<unknown, Item>();
    let before: Buffer | undefined;
    for (let i = 0; i < pairs; i++) {
      const start = this.#tokens.pos();
      const key = this.item(depth);
      demand(
        typeof key === 'number' ||
          typeof key === 'bigint' ||
          typeof key === 'string' ||
          key instanceof Uint8Array,
      );
      const encoded = Buffer.from(this.#bytes.subarray(start, this.#tokens.pos()));
      demand(before === undefined || Buffer.compare(before, encoded) < 0);
      before = encoded;
      map.set(key, this.item(depth));
    }
    return map;
  }

  #float(value: number, start: number): Float {
    const size = this.#tokens.pos() - start;
    const isHalf = Object.is(f16round(value), value);
    const isSingle = Object.is(Math.fround(value), value);
    demand(size === (isHalf ? 3 : isSingle ? 5 : 9));
    if (Number.isNaN(value)) demand(this.#bytes[start + 1] === 0x7e && this.#bytes[start + 2] === 0);
    return new Float(value);
  }

  /** Not every library refuses what is not UTF-8. */
  #text(value: string, start: number): string {
    const end = this.#tokens.pos();
    const length = Buffer.byteLength(value);
    demand(Buffer.from(value).equals(this.#bytes.subarray(end - length, end)) && end - length > start);
    return value;
  }
}

const { f16round } = Math as unknown as { f16round(value: number): number };
