import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLAGS, type Flag, REJECT_CODES } from '../src/verdict.ts';
import {
  type BatchRefusal,
  bitsToFlags,
  CheckedBatch,
  type CheckedStatement,
  flagsToBits,
  type Head,
  OUTCOME,
  SETTLED,
  VerdictBatch,
  VerdictWriter,
} from './checked-batch.ts';

const counter = fc.nat(Number.MAX_SAFE_INTEGER);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** In the order of FLAGS, as flags are always shown. */
const flags = fc.subarray([...FLAGS]);

interface Message {
  readonly bytes: Uint8Array;
  readonly device: number;
  readonly receivedAt: number;
  /** Undefined: refused. */
  readonly found: CheckedStatement | undefined;
}

const statement: fc.Arbitrary<CheckedStatement> = fc.record({
  outcome: fc.constantFrom(OUTCOME.verified, OUTCOME.maybeHeld),
  entry: bytes(32),
  kid: bytes(8),
  prev: fc.option(bytes(32), { nil: undefined }),
  boot: counter,
  seq: counter,
  issuedAt: fc.option(counter, { nil: undefined }),
  flags,
});
const message: fc.Arbitrary<Message> = fc.record({
  bytes: fc.uint8Array({ maxLength: 300 }),
  device: counter,
  receivedAt: counter,
  found: fc.option(statement, { nil: undefined }),
});

/** Fills a batch as a checking thread does, and sends it over as it is sent. */
function cross(messages: readonly Message[]): CheckedBatch {
  const refusals: BatchRefusal[] = [];
  const joined = Uint8Array.from(messages.flatMap((one) => [...one.bytes]));
  const batch = CheckedBatch.over(joined, messages.length, refusals);
  let end = 0;
  for (const [at, one] of messages.entries()) {
    end += one.bytes.length;
    batch.describe(at, end, one.device, one.receivedAt);
    if (one.found !== undefined) batch.check(at, one.found);
    else refusals.push({ at, device: `device ${one.device}`, code: 'malformed', detail: `number ${at}` });
  }
  return new CheckedBatch(
    structuredClone(batch.data, { transfer: [batch.data.bytes.buffer, batch.data.hashes.buffer] }),
  );
}

describe('a checked batch', () => {
  test('says of every message what was said of it, on the other side of a transfer', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 64 }), (messages) => {
        const batch = cross(messages);
        expect(batch.count).toBe(messages.length);
        const refused: number[] = [];
        for (const [at, { found, ...one }] of messages.entries()) {
          expect(batch.bytes(at)).toEqual(one.bytes);
          expect([batch.device(at), batch.receivedAt(at)]).toEqual([one.device, one.receivedAt]);
          if (found === undefined) {
            expect(batch.outcome(at)).toBe(OUTCOME.refused);
            refused.push(at);
            continue;
          }
          const { outcome, entry, kid, prev, boot, seq, issuedAt, flags } = found;
          expect([batch.outcome(at), batch.boot(at), batch.seq(at)]).toEqual([outcome, boot, seq]);
          expect([batch.issuedAt(at), batch.flags(at)]).toEqual([issuedAt, flags]);
          expect([batch.entry(at), batch.kid(at)]).toEqual([entry, kid]);
          expect(batch.prev(at)).toEqual(prev ?? new Uint8Array(32));
        }
        expect(batch.data.refusals.map(({ at }) => at)).toEqual(refused);
      }),
      { numRuns: 200 },
    );
  });

  test('a message that nothing was found out about stands as refused, never as verified', () => {
    const batch = CheckedBatch.over(new Uint8Array(3), 1, []);
    batch.describe(0, 3, 1, 1);
    expect(batch.outcome(0)).toBe(OUTCOME.refused);
  });
});

describe('flags', () => {
  test('every set of them crosses, and comes out in the order of FLAGS', () => {
    const seen = new Set<number>();
    for (let bits = 0; bits < 1 << FLAGS.length; bits++) {
      const set = FLAGS.filter((_, at) => (bits & (1 << at)) !== 0);
      expect(flagsToBits(set)).toBe(flagsToBits([...set].reverse()));
      expect(bitsToFlags(flagsToBits(set))).toEqual(set);
      seen.add(flagsToBits(set));
    }
    expect(seen.size).toBe(1 << FLAGS.length);
  });
});

type Settled =
  | { readonly kind: 'accept'; readonly index: number; readonly flags: readonly Flag[] }
  | { readonly kind: 'duplicate'; readonly index: number }
  | { readonly kind: 'reject'; readonly code: (typeof REJECT_CODES)[number]; readonly detail: string }
  | { readonly kind: 'again' | 'withheld' };

const settled: fc.Arbitrary<Settled> = fc.oneof(
  fc.record({ kind: fc.constant('accept' as const), index: counter, flags }),
  fc.record({ kind: fc.constant('duplicate' as const), index: counter }),
  fc.record({
    kind: fc.constant('reject' as const),
    code: fc.constantFrom(...REJECT_CODES),
    detail: fc.string(),
  }),
  fc.record({ kind: fc.constantFrom('again' as const, 'withheld' as const) }),
);
const head = fc.option(fc.record({ boot: counter, next: counter }), { nil: undefined });

function write(writer: VerdictWriter, at: number, one: Settled): void {
  if (one.kind === 'reject') writer.reject(at, one.code, one.detail);
  else if (one.kind === 'accept') writer.settle(at, SETTLED.accept, one.index, one.flags);
  else if (one.kind === 'duplicate') writer.settle(at, SETTLED.duplicate, one.index);
  else writer.settle(at, SETTLED[one.kind]);
}

test('verdicts and heads are read as they were written, on the other side of a clone', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(settled, head), { maxLength: 64 }), (all) => {
      const writer = new VerdictWriter(all.length);
      for (const [at, [one, known]] of all.entries()) {
        write(writer, at, one);
        writer.tellHead(at, known as Head | undefined);
      }
      const batch = new VerdictBatch(structuredClone(writer.data));
      for (const [at, [one, known]] of all.entries()) {
        expect(batch.kind(at)).toBe(SETTLED[one.kind]);
        expect(batch.head(at)).toEqual(known);
        if ('index' in one) expect(batch.index(at)).toBe(one.index);
        if ('flags' in one) expect(batch.flags(at)).toEqual(one.flags);
        const refusal = batch.data.refusals.find((candidate) => candidate.at === at);
        expect(refusal).toEqual('code' in one ? { at, code: one.code, detail: one.detail } : undefined);
      }
    }),
    { numRuns: 200 },
  );
});
