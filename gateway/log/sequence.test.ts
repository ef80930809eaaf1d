import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import type { Signer } from '../../src/signature.ts';
import {
  decodeStatement,
  hashEntry,
  type Statement,
  type StatementFields,
  signStatement,
} from '../../src/statement.ts';
import type { EnrolledDevice, SequenceRange, Verdict } from '../ports.ts';
import { LogBench } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';

const EARLIEST_S = Date.UTC(2015, 0, 1) / 1000;
const AHEAD_S = 300;

const wearable = new Wearable(1);
/** The log does not verify signatures: that is done before it. So none is made here. */
const unsigned: Signer = { publicKey: wearable.signer.publicKey, sign: () => new Uint8Array(64) };

let bench: LogBench;
let device: EnrolledDevice;
let nowS: number;

beforeEach(async () => {
  bench = new LogBench({ suspendOnEquivocation: false });
  await bench.enrol(wearable);
  device = bench.registry.find(wearable.urn) as EnrolledDevice;
  nowS = Math.floor(bench.clock.now() / 1000);
});

afterEach(() => bench.close());

async function make(fields: Partial<StatementFields> & { seq: number }): Promise<Statement> {
  const bytes = await signStatement(
    {
      issuer: wearable.urn,
      subject: 'vitals',
      contentType: 0,
      payload: new Uint8Array(0),
      ...(fields.seq > 0 ? { prev: new Uint8Array(32) } : {}),
      issuedAt: nowS,
      ...fields,
    },
    unsigned,
  );
  const decoded = decodeStatement(bytes);
  if (decoded.kind === 'reject') throw new Error(decoded.detail);
  return decoded.value;
}

/** Statements 0 to count - 1 of a boot, each naming the one before. */
async function chain(count: number, boot = 0): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (let seq = 0; seq < count; seq++) {
    const before = statements[seq - 1];
    statements.push(
      await make({
        seq,
        boot,
        issuedAt: nowS - count + seq,
        ...(before === undefined ? {} : { prev: hashEntry(before.bytes) }),
      }),
    );
  }
  return statements;
}

async function append(statement: Statement): Promise<Verdict> {
  const [verdict] = await bench.append(device, statement);
  return verdict as Verdict;
}

const flagsOf = (verdict: Verdict): readonly string[] =>
  verdict.kind === 'accept' ? verdict.flags : [verdict.code];
const gapsNow = () => bench.log.sequences.gaps(device.id, 10_000);

/** What protocol.md says about a device's statements, written down in the plainest way. */
class Model {
  readonly held = new Map<string, Statement>();

  judge(statement: Statement): string[] {
    const { boot, seq } = statement;
    const same = this.at(boot, seq);
    if (same !== undefined) return [equalBytes(same.bytes, statement.bytes) ? 'duplicate' : 'equivocation'];
    const newest = this.newest(boot);
    const next = newest === undefined ? 0 : newest.seq + 1;
    const late = seq < next || [...this.held.values()].some((other) => other.boot > boot);
    const flags = [
      ...this.#clock(statement, late ? undefined : newest),
      ...(seq > next ? ['gap'] : []),
      ...(late ? ['backfill'] : []),
      ...(this.#breaks(statement) ? ['broken-chain'] : []),
    ];
    this.held.set(`${boot}/${seq}`, statement);
    return flags;
  }

  at(boot: number, seq: number): Statement | undefined {
    return this.held.get(`${boot}/${seq}`);
  }

  /** The statement of the greatest number in a boot. */
  newest(boot: number): Statement | undefined {
    return [...this.held.values()]
      .filter((other) => other.boot === boot)
      .sort((a, b) => b.seq - a.seq)
      .at(0);
  }

  /** Every number below the greatest one that is not held, as maximal ranges. */
  gaps(): SequenceRange[] {
    const ranges: SequenceRange[] = [];
    for (const boot of new Set([...this.held.values()].map((other) => other.boot).sort((a, b) => a - b))) {
      for (let seq = 0; seq < (this.newest(boot) as Statement).seq; seq++) {
        if (this.at(boot, seq) !== undefined) continue;
        const last = ranges.at(-1);
        if (last !== undefined && last.boot === boot && last.to === seq - 1)
          ranges[ranges.length - 1] = { ...last, to: seq };
        else ranges.push({ boot, from: seq, to: seq });
      }
    }
    return ranges;
  }

  #clock({ issuedAt }: Statement, before: Statement | undefined): string[] {
    if (issuedAt === undefined || issuedAt < EARLIEST_S) return ['clock-unset'];
    if (issuedAt > bench.clock.now() / 1000 + AHEAD_S) return ['clock-ahead'];
    const last = before?.issuedAt;
    return last !== undefined && last >= EARLIEST_S && issuedAt < last ? ['clock-behind'] : [];
  }

  #breaks(statement: Statement): boolean {
    const before = this.at(statement.boot, statement.seq - 1);
    const after = this.at(statement.boot, statement.seq + 1);
    const names = (next: Statement, earlier: Statement) =>
      next.prev !== undefined && equalBytes(next.prev, hashEntry(earlier.bytes));
    return (
      (before !== undefined && !names(statement, before)) || (after !== undefined && !names(after, statement))
    );
  }
}

const arrival = fc.record({
  boot: fc.nat(2),
  seq: fc.nat(6),
  kind: fc.constantFrom('chain', 'chain', 'chain', 'other', 'wrong-prev', '1970', 'old', 'ahead', 'back'),
});

test('any order of arrival over boots is judged as the model judges it, and the gaps are the missing numbers', async () => {
  const chains = await Promise.all([0, 1, 2].map((boot) => chain(7, boot)));
  const made = new Map<string, Promise<Statement>>();
  const build = (boot: number, seq: number, kind: string): Promise<Statement> => {
    const own = chains[boot]?.[seq] as Statement;
    const { prev } = own;
    const fields = { boot, seq, ...(prev === undefined ? {} : { prev }) };
    switch (kind) {
      case 'other':
        return make({ ...fields, payload: Uint8Array.of(1) });
      case 'wrong-prev':
        return make({ ...fields, ...(seq > 0 ? { prev: new Uint8Array(32).fill(9) } : {}) });
      case '1970':
        return make({ ...fields, issuedAt: 0 });
      case 'old':
        return make({ ...fields, issuedAt: EARLIEST_S - 1 });
      case 'ahead':
        return make({ ...fields, issuedAt: nowS + 1000 });
      case 'back':
        return make({ ...fields, issuedAt: nowS - 5000 });
      default:
        return Promise.resolve(own);
    }
  };
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 25 }), async (arrivals) => {
      // Every run has a device of its own, with the key of the one enrolled; the log is shared.
      run += 1;
      const { registry } = bench.log;
      const id = registry.addDevice(`urn:dev:os:1-${run}`, device.owner, 'clinic', 0);
      registry.keys.add(id, wearable.signer.publicKey, 0);
      device = { ...device, id, urn: `urn:dev:os:1-${run}` };
      const model = new Model();
      const statements: Statement[] = [];
      for (const { boot, seq, kind } of arrivals) {
        const key = `${boot}/${seq}/${kind}`;
        const statement = await (made.get(key) ?? build(boot, seq, kind));
        made.set(key, Promise.resolve(statement));
        statements.push(statement);
      }
      const expected = statements.map((statement) => model.judge(statement).sort());
      const verdicts = await Promise.all(statements.map(append));
      const actual = verdicts.map((verdict) =>
        verdict.kind === 'accept' ? [...verdict.flags].sort() : [verdict.code],
      );
      expect(actual).toEqual(expected);
      expect(gapsNow()).toEqual(model.gaps());
      for (const statement of model.held.values()) {
        const held = await bench.log.reader.findStatement(device.urn, statement.boot, statement.seq);
        expect(held && bytesToHex(held.entry)).toBe(bytesToHex(hashEntry(statement.bytes)));
      }
      expect(bench.count('entries', `device = ${device.id}`)).toBe(model.held.size);
    }),
    { numRuns: 150 },
  );
});

test('every order of five statements ends without gaps and without a broken chain', async () => {
  const orders = permutations([0, 1, 2, 3, 4]);
  expect(orders).toHaveLength(120);
  await Promise.all(
    orders.map(async (order, boot) => {
      const statements = await chain(5, boot);
      const verdicts = await Promise.all(order.map((seq) => append(statements[seq] as Statement)));
      const flags = verdicts.flatMap((verdict) => flagsOf(verdict));
      expect(verdicts.every((verdict) => verdict.kind === 'accept')).toBe(true);
      expect(flags).not.toContain('broken-chain');
    }),
  );
  expect(gapsNow()).toEqual([]);
});

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

describe('gaps', () => {
  test('are recorded, asked for once, shrink from both ends and from the middle, and close', async () => {
    const statements = await chain(8);
    const [s0, s1, s2, s3, s4, s5, s6, s7] = statements as [
      Statement,
      Statement,
      Statement,
      Statement,
      Statement,
      Statement,
      Statement,
      Statement,
    ];
    expect(flagsOf(await append(s0))).toEqual([]);
    expect(flagsOf(await append(s7))).toEqual(['gap']);
    expect(gapsNow()).toEqual([{ boot: 0, from: 1, to: 6 }]);
    expect(flagsOf(await append(s4))).toEqual(['backfill']);
    expect(gapsNow()).toEqual([
      { boot: 0, from: 1, to: 3 },
      { boot: 0, from: 5, to: 6 },
    ]);
    await append(s1);
    await append(s6);
    expect(gapsNow()).toEqual([
      { boot: 0, from: 2, to: 3 },
      { boot: 0, from: 5, to: 5 },
    ]);
    for (const statement of [s2, s3, s5]) await append(statement);
    expect(gapsNow()).toEqual([]);
    expect(bench.gaps).toEqual([{ device: wearable.urn, gap: { boot: 0, from: 1, to: 6 } }]);
  });

  test('a first statement that is not number 0 leaves a gap from 0', async () => {
    expect(flagsOf(await append(await make({ seq: 3 })))).toEqual(['gap']);
    expect(gapsNow()).toEqual([{ boot: 0, from: 0, to: 2 }]);
  });

  test('the greatest number there is opens one gap and nothing overflows', async () => {
    const seq = Number.MAX_SAFE_INTEGER;
    expect(flagsOf(await append(await make({ seq })))).toEqual(['gap']);
    expect(gapsNow()).toEqual([{ boot: 0, from: 0, to: seq - 1 }]);
    expect(flagsOf(await append(await make({ seq: seq - 1 })))).toEqual(['broken-chain', 'backfill']);
    expect(gapsNow()).toEqual([{ boot: 0, from: 0, to: seq - 2 }]);
    expect(await append(await make({ seq }))).toMatchObject({ kind: 'ignore', code: 'duplicate' });
  });

  test('a duplicate neither opens nor closes anything', async () => {
    const [s0, , s2] = await chain(3);
    await append(s0 as Statement);
    await append(s2 as Statement);
    const before = gapsNow();
    expect(await append(s2 as Statement)).toEqual({ kind: 'ignore', code: 'duplicate', index: 2 });
    expect(gapsNow()).toEqual(before);
    expect(bench.gaps).toHaveLength(1);
  });
});

describe('chain', () => {
  test('is broken when a statement names another predecessor than the one held', async () => {
    await append(await make({ seq: 0 }));
    const verdict = await append(await make({ seq: 1, prev: new Uint8Array(32).fill(1) }));
    expect(flagsOf(verdict)).toEqual(['broken-chain']);
  });

  test('is broken when the successor held names another statement than the late one', async () => {
    const [s0, , s2] = await chain(3);
    await append(s0 as Statement);
    await append(s2 as Statement);
    const late = await make({ seq: 1, prev: hashEntry((s0 as Statement).bytes), payload: Uint8Array.of(7) });
    expect(flagsOf(await append(late))).toEqual(['broken-chain', 'backfill']);
  });

  test('is not broken across boots: number 0 of the next boot names nothing', async () => {
    for (const statement of await chain(3)) await append(statement);
    expect(flagsOf(await append(await make({ seq: 0, boot: 1 })))).toEqual([]);
  });
});

describe('clock', () => {
  test.each([
    ['no clock', undefined, ['clock-unset']],
    ['1970', 0, ['clock-unset']],
    ['the last second of 2014', EARLIEST_S - 1, ['clock-unset']],
    ['2015', EARLIEST_S, []],
    ['five minutes ahead', 'ahead 0', []],
    ['a moment more than five minutes ahead', 'ahead 1', ['clock-ahead']],
    ['the year 9999', 253_402_300_799, ['clock-ahead']],
  ])('%s', async (_name, clock, flags) => {
    bench.clock.set(nowS * 1000);
    const { issuedAt: _default, ...fields } = await make({ seq: 0 });
    const issuedAt = typeof clock === 'string' ? nowS + AHEAD_S + (clock.endsWith('1') ? 0.001 : 0) : clock;
    const bytes = await signStatement(
      { ...fields, ...(issuedAt === undefined ? {} : { issuedAt }) },
      unsigned,
    );
    const decoded = decodeStatement(bytes);
    if (decoded.kind === 'reject') throw new Error(decoded.detail);
    expect(flagsOf(await append(decoded.value))).toEqual(flags);
  });

  test('a clock that goes back is behind; one that stands still, or comes late, is not', async () => {
    await append(await make({ seq: 0, issuedAt: nowS - 10 }));
    expect(flagsOf(await append(await make({ seq: 2, issuedAt: nowS - 11 })))).toEqual([
      'gap',
      'clock-behind',
    ]);
    expect(flagsOf(await append(await make({ seq: 3, issuedAt: nowS - 11 })))).toEqual(['broken-chain']);
    expect(flagsOf(await append(await make({ seq: 1, issuedAt: nowS - 500 })))).toContain('backfill');
    expect(flagsOf(await append(await make({ seq: 5, issuedAt: nowS - 5 })))).toEqual(['gap']);
  });

  test('a clock that was never set is no measure for the next', async () => {
    await append(await make({ seq: 0, issuedAt: 100 }));
    expect(flagsOf(await append(await make({ seq: 1, issuedAt: 50 })))).toEqual([
      'broken-chain',
      'clock-unset',
    ]);
    expect(flagsOf(await append(await make({ seq: 3, issuedAt: nowS })))).toEqual(['gap']);
  });
});

test('two statements under one number: the first stays, the second is kept as evidence, whatever the order of the rest', async () => {
  const [s0, s1] = await chain(2);
  await append(s0 as Statement);
  await append(s1 as Statement);
  const clone = await make({ seq: 0, payload: Uint8Array.of(0xcc) });
  expect(await append(clone)).toEqual({
    kind: 'reject',
    code: 'equivocation',
    detail: 'another statement holds boot 0 seq 0 of this device, at index 1',
  });
  expect(bench.log.quarantine.list(10)).toMatchObject([
    { device: wearable.urn, code: 'equivocation', length: clone.bytes.length },
  ]);
  const held = await bench.log.reader.findStatement(wearable.urn, 0, 0);
  expect(held?.bytes).toEqual((s0 as Statement).bytes);
});
