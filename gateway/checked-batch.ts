/**
 * Messages on their way from checking to the log, and the verdicts on their way back: many in a few flat arrays, because they
 * cross between threads and one object for each message would cost more than its hash.
 */
import { FLAGS, type Flag, type RejectCode } from '../src/verdict.ts';

/** How far checking came with one message. */
export const OUTCOME = {
  /** Signature and payload are right: the log may take it. */
  verified: 0,
  /** Its number may be held already, so nothing was verified: the log says `duplicate`, or asks for it to be verified. */
  maybeHeld: 1,
  /** It can never become valid; `refusals` says why. */
  refused: 2,
} as const;

/** A refusal, by the place of its message in the batch. */
export interface BatchRefusal {
  readonly at: number;
  /** The device named by the topic. */
  readonly device: string;
  readonly code: RejectCode;
  readonly detail: string;
}

/** The places of a message's numbers. */
const NUMBER = {
  end: 0,
  device: 1,
  receivedAt: 2,
  outcome: 3,
  boot: 4,
  seq: 5,
  issuedAt: 6,
  flags: 7,
} as const;
const NUMBERS = 8;
/** The places of a message's hashes: entry, the entry it names as its predecessor, key identifier. */
const HASH = { entry: 0, prev: 32, kid: 64 } as const;
const HASH_BYTES = 72;

/** What crosses to the log's thread. */
export interface CheckedData {
  /** The messages, one after another. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly hashes: Uint8Array<ArrayBuffer>;
  readonly refusals: readonly BatchRefusal[];
}

/** One statement in a batch as checking reports it. */
export interface CheckedStatement {
  readonly outcome: 0 | 1;
  readonly entry: Uint8Array;
  readonly kid: Uint8Array;
  readonly prev: Uint8Array | undefined;
  readonly boot: number;
  readonly seq: number;
  readonly issuedAt: number | undefined;
  readonly flags: readonly Flag[];
}

/** Reads and fills {@link CheckedData}. Views given out lie in the batch's own memory. */
export class CheckedBatch {
  readonly data: CheckedData;
  readonly count: number;

  constructor(data: CheckedData) {
    this.data = data;
    this.count = data.numbers.length / NUMBERS;
  }

  /** An empty batch over messages that stand in `bytes`; `describe` each. */
  static over(bytes: Uint8Array<ArrayBuffer>, count: number, refusals: BatchRefusal[]): CheckedBatch {
    const numbers = new Float64Array(count * NUMBERS);
    return new CheckedBatch({ bytes, numbers, hashes: new Uint8Array(count * HASH_BYTES), refusals });
  }

  /** Says where the message ends, whose it is (a row id, 0 for nobody's) and when it came. It stands as refused until `check`. */
  describe(at: number, end: number, device: number, receivedAt: number): void {
    this.#set(at, NUMBER.end, end);
    this.#set(at, NUMBER.device, device);
    this.#set(at, NUMBER.receivedAt, receivedAt);
    this.#set(at, NUMBER.outcome, OUTCOME.refused);
  }

  check(at: number, found: CheckedStatement): void {
    this.#set(at, NUMBER.outcome, found.outcome);
    this.#set(at, NUMBER.boot, found.boot);
    this.#set(at, NUMBER.seq, found.seq);
    this.#set(at, NUMBER.issuedAt, found.issuedAt ?? Number.NaN);
    this.#set(at, NUMBER.flags, flagsToBits(found.flags));
    const { hashes } = this.data;
    hashes.set(found.entry, at * HASH_BYTES + HASH.entry);
    if (found.prev !== undefined) hashes.set(found.prev, at * HASH_BYTES + HASH.prev);
    hashes.set(found.kid, at * HASH_BYTES + HASH.kid);
  }

  bytes(at: number): Uint8Array {
    return this.data.bytes.subarray(at === 0 ? 0 : this.#get(at - 1, NUMBER.end), this.#get(at, NUMBER.end));
  }

  device(at: number): number {
    return this.#get(at, NUMBER.device);
  }

  receivedAt(at: number): number {
    return this.#get(at, NUMBER.receivedAt);
  }

  /** One of {@link OUTCOME}. */
  outcome(at: number): number {
    return this.#get(at, NUMBER.outcome);
  }

  boot(at: number): number {
    return this.#get(at, NUMBER.boot);
  }

  seq(at: number): number {
    return this.#get(at, NUMBER.seq);
  }

  issuedAt(at: number): number | undefined {
    const seconds = this.#get(at, NUMBER.issuedAt);
    return Number.isNaN(seconds) ? undefined : seconds;
  }

  /** What the payload earned. */
  flags(at: number): readonly Flag[] {
    return bitsToFlags(this.#get(at, NUMBER.flags));
  }

  entry(at: number): Uint8Array {
    return this.#hash(at, HASH.entry, HASH.prev);
  }

  /** Meaningful when `seq` is not 0: a statement names its predecessor exactly then. */
  prev(at: number): Uint8Array {
    return this.#hash(at, HASH.prev, HASH.kid);
  }

  kid(at: number): Uint8Array {
    return this.#hash(at, HASH.kid, HASH_BYTES);
  }

  #hash(at: number, from: number, to: number): Uint8Array {
    return this.data.hashes.subarray(at * HASH_BYTES + from, at * HASH_BYTES + to);
  }

  #get(at: number, place: number): number {
    return this.data.numbers[at * NUMBERS + place] as number;
  }

  #set(at: number, place: number, value: number): void {
    this.data.numbers[at * NUMBERS + place] = value;
  }
}

/** What became of one message of a batch in the log. */
export const SETTLED = {
  accept: 0,
  duplicate: 1,
  reject: 2,
  /** The log does not hold it, or its refusal was withdrawn on the way: check it again. */
  again: 3,
  /** The patient of the device has been erased, and nobody's key could seal it: withhold the acknowledgement. */
  withheld: 4,
  /** The device is suspended, and as many of its statements are held back as may be: withhold the acknowledgement. */
  noRoom: 5,
} as const;

/** The places of a verdict's numbers. */
const RESULT = { kind: 0, index: 1, flags: 2, boot: 3, next: 4 } as const;
const RESULTS = 5;

/** The answer to one batch as it crosses between threads; durable when given. */
export interface VerdictData {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly refusals: readonly Pick<BatchRefusal, 'at' | 'code' | 'detail'>[];
}

/** How far a device has come: its newest boot, and one more than the greatest number held in it. */
export interface Head {
  readonly boot: number;
  readonly next: number;
}

/** Reads {@link VerdictData}. */
export class VerdictBatch {
  readonly data: VerdictData;

  constructor(data: VerdictData) {
    this.data = data;
  }

  /** One of {@link SETTLED}. */
  kind(at: number): number {
    return this.data.numbers[at * RESULTS + RESULT.kind] as number;
  }

  /** In the log, of accepted and duplicate ones. */
  index(at: number): number {
    return this.data.numbers[at * RESULTS + RESULT.index] as number;
  }

  /** Of accepted ones. */
  flags(at: number): readonly Flag[] {
    return bitsToFlags(this.data.numbers[at * RESULTS + RESULT.flags] as number);
  }

  /** How far its device had come once this message was dealt with; undefined for a message of nobody's. */
  head(at: number): Head | undefined {
    const boot = this.data.numbers[at * RESULTS + RESULT.boot] as number;
    return Number.isNaN(boot)
      ? undefined
      : { boot, next: this.data.numbers[at * RESULTS + RESULT.next] as number };
  }
}

/** Makes up the answer to a batch. */
export class VerdictWriter {
  readonly data: VerdictData;
  readonly #refusals: Pick<BatchRefusal, 'at' | 'code' | 'detail'>[] = [];

  constructor(count: number) {
    this.data = { numbers: new Float64Array(count * RESULTS), refusals: this.#refusals };
  }

  settle(at: number, kind: number, index = 0, flags: readonly Flag[] = NO_FLAGS): void {
    const { numbers } = this.data;
    numbers[at * RESULTS + RESULT.kind] = kind;
    numbers[at * RESULTS + RESULT.index] = index;
    numbers[at * RESULTS + RESULT.flags] = flagsToBits(flags);
  }

  reject(at: number, code: RejectCode, detail: string): void {
    this.settle(at, SETTLED.reject);
    this.#refusals.push({ at, code, detail });
  }

  /** Whether the message has its verdict: it was neither withheld nor is it to be checked again. */
  isJudged(at: number): boolean {
    return (this.data.numbers[at * RESULTS + RESULT.kind] as number) <= SETTLED.reject;
  }

  tellHead(at: number, head: Head | undefined): void {
    const { numbers } = this.data;
    numbers[at * RESULTS + RESULT.boot] = head?.boot ?? Number.NaN;
    numbers[at * RESULTS + RESULT.next] = head?.next ?? Number.NaN;
  }
}

const NO_FLAGS: readonly Flag[] = [];

export function flagsToBits(flags: readonly Flag[]): number {
  let bits = 0;
  for (const flag of flags) bits |= 1 << FLAGS.indexOf(flag);
  return bits;
}

export function bitsToFlags(bits: number): readonly Flag[] {
  return bits === 0 ? NO_FLAGS : FLAGS.filter((_, at) => (bits & (1 << at)) !== 0);
}
