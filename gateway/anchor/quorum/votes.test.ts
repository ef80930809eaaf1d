import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alike,
  alikeOrNothing,
  anyGood,
  combined,
  everyone,
  first,
  keyOf,
  majorityOf,
  median,
  orNothing,
  type Rule,
  reachedBy,
} from './votes.ts';

/** Runs a rule over answers; `soon` and `late` are nodes still to answer. */
function decide<T, R>(rule: Rule<T, R>, values: readonly T[], soon = 0, late = 0): R | string {
  const votes = values.map((value, at) => ({ node: String(at), value }));
  const decision = rule({ votes, soon, pending: soon + late });
  return decision.kind === 'decided' ? decision.value : decision.kind;
}

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [8, 5],
])('the majority of %i is %i', (nodes, majority) => {
  expect(majorityOf(nodes)).toBe(majority);
});

describe('alike', () => {
  test.each<[string, readonly number[], number, number, number | string]>([
    ['two of three, the third not heard', [1, 1], 1, 0, 1],
    ['two of three, the third otherwise', [2, 1, 1], 0, 0, 1],
    ['one of three', [1], 2, 0, 'open'],
    ['two that differ, the third to come', [1, 2], 1, 0, 'open'],
    ['two that differ, the third late', [1, 2], 0, 1, 'open'],
    ['three that differ', [1, 2, 3], 0, 0, 'undecided'],
    ['too few', [1], 0, 0, 'undecided'],
  ])('%s', (_what, values, soon, late, expected) => {
    expect(decide(alike(2), values, soon, late)).toBe(expected);
  });
});

describe('alike or nothing', () => {
  test.each<[string, readonly (number | undefined)[], number, number, number | string | undefined]>([
    ['two alike', [1, undefined, 1], 0, 0, 1],
    ['two that have none', [undefined, undefined], 1, 0, undefined],
    ['two that differ, the third to come', [1, undefined], 1, 0, 'open'],
    ['two that differ are nothing when the third is late', [1, undefined], 0, 1, undefined],
    ['one alone waits for who is late', [1], 0, 2, 'open'],
    ['one alone', [1], 0, 0, 'undecided'],
  ])('%s', (_what, values, soon, late, expected) => {
    expect(decide(alikeOrNothing(2), values, soon, late)).toBe(expected);
  });

  test('without patience one answer is enough to see that there is no agreement', () => {
    expect(decide(alikeOrNothing(2, 0), [1], 0, 1)).toBeUndefined();
    expect(decide(alikeOrNothing(2, 0), [1], 1, 0)).toBe('open');
  });
});

describe('combined', () => {
  const sum = combined<number, number>(2, (votes) => votes.reduce((total, { value }) => total + value, 0));

  test.each<[string, readonly number[], number, number, number | string]>([
    ['a quorum alike needs nobody else', [1, 1], 1, 0, 2],
    ['otherwise all are heard', [1, 2], 1, 0, 'open'],
    ['but who is late', [1, 2], 0, 1, 3],
    ['too few, and more may come', [1], 0, 2, 'open'],
    ['too few', [1], 0, 0, 'undecided'],
  ])('%s', (_what, values, soon, late, expected) => {
    expect(decide(sum, values, soon, late)).toBe(expected);
  });

  test('what shows nothing is undecided', () => {
    expect(
      decide(
        combined<number, number>(2, () => undefined),
        [1, 1, 2],
      ),
    ).toBe('undecided');
  });
});

test.each<[string, readonly number[], number, number, number | string]>([
  ['waits for who may come', [1, 1], 1, 0, 'open'],
  ['waits for who is late', [1, 1], 0, 1, 'open'],
  ['combines what came', [1, 3], 0, 0, 4],
  ['is undecided without a quorum', [1], 0, 0, 'undecided'],
])('everyone: %s', (_what, values, soon, late, expected) => {
  const sum = everyone<number, number>(2, (votes) => votes.reduce((all, { value }) => all + value, 0));
  expect(decide(sum, values, soon, late)).toBe(expected);
});

test.each<[string, readonly number[], number, number | string | undefined]>([
  ['what is alike is decided', [1, 1], 0, 1],
  ['what may become alike is open', [1], 1, 'open'],
  ['what cannot is nothing', [1], 0, undefined],
])('or nothing: %s', (_what, values, soon, expected) => {
  expect(decide(orNothing(alike<number | undefined>(2)), values, soon)).toBe(expected);
});

describe('any good', () => {
  const rule = anyGood<string>(
    2,
    (value) => value === 'yes',
    (value) => value,
  );

  test.each<[string, readonly string[], number, number, string]>([
    ['two refusals alike outweigh one yes', ['yes', 'no', 'no'], 0, 0, 'no'],
    ['one yes is enough when the others differ', ['no', 'never', 'yes'], 0, 0, 'yes'],
    ['one yes is enough when the others are late', ['yes'], 0, 2, 'yes'],
    ['two of a kind need nobody else', ['yes', 'yes'], 1, 0, 'yes'],
    ['one yes waits for who may come', ['yes'], 1, 0, 'open'],
    ['refusals that differ', ['no', 'never'], 0, 0, 'undecided'],
  ])('%s', (_what, values, soon, late, expected) => {
    expect(decide(rule, values, soon, late)).toBe(expected);
  });
});

test.each<[string, readonly string[], number, number, string]>([
  ['the first answer decides, whoever may come', ['a'], 1, 1, 'a'],
  ['of several the first', ['b', 'a'], 0, 0, 'b'],
  ['none yet', [], 1, 0, 'open'],
  ['none but late ones', [], 0, 1, 'open'],
  ['none to come', [], 0, 0, 'undecided'],
])('first: %s', (_what, values, soon, late, expected) => {
  expect(decide(first<string>(), values, soon, late)).toBe(expected);
});

describe('a minority of liars', () => {
  /** The views of honest nodes, and of fewer liars than a quorum leaves out. */
  const views = fc.integer({ min: 1, max: 8 }).chain((nodes) => {
    const quorum = majorityOf(nodes);
    const value = fc.bigInt({ min: 0n, max: 10n ** 9n });
    return fc.tuple(
      fc.constant(quorum),
      fc.array(value, { minLength: quorum, maxLength: quorum }),
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { maxLength: nodes - quorum }),
    );
  });

  test('moves neither what a quorum reaches nor the median out of what honest nodes say', () => {
    fc.assert(
      fc.property(views, ([quorum, honest, lies]) => {
        const [least = 0n, most = 0n] = [reachedBy(honest, honest.length), reachedBy(honest, 1)];
        const all = [...lies, ...honest];
        for (const value of [reachedBy(all, quorum), median(all, 'lower'), median(all, 'upper')]) {
          expect(value >= least && value <= most).toBe(true);
        }
      }),
    );
  });

  test('gets nothing false decided', () => {
    fc.assert(
      fc.property(views, ([quorum, honest, lies]) => {
        const truth = honest[0] ?? 0n;
        const values = [...lies, ...honest.map(() => truth)];
        for (let heard = 1; heard <= values.length; heard++) {
          const soon = values.length - heard;
          const decision = decide(alike<bigint>(quorum), values.slice(0, heard), soon);
          expect([truth, 'open']).toContain(decision);
        }
        expect(decide(alike<bigint>(quorum), values)).toBe(truth);
      }),
    );
  });
});

test('equal values have one key, others do not', () => {
  const block = { number: 5n, hash: new Uint8Array([1, 2]) };
  expect(keyOf({ ...block, hash: new Uint8Array([1, 2]) })).toBe(keyOf(block));
  for (const other of [{ ...block, number: 6n }, { ...block, hash: new Uint8Array([1]) }, undefined, null, 5])
    expect(keyOf(other)).not.toBe(keyOf(block));
  expect(keyOf(undefined)).not.toBe(keyOf(null));
});

test('values that are not there are a mistake of the caller', () => {
  expect(() => reachedBy([1n], 2)).toThrow(RangeError);
  expect(() => median([], 'lower')).toThrow(RangeError);
});
