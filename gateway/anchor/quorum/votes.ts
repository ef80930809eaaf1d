/** How several answers to one question become one. Pure. */
import { bytesToHex } from '../../../src/bytes.ts';

/** What one node answered. */
export interface Vote<T> {
  readonly node: string;
  readonly value: T;
}

/** How far a question has come. */
export interface Tally<T> {
  readonly votes: readonly Vote<T>[];
  /** Nodes asked that may answer any moment. */
  readonly soon: number;
  /** Those, the ones that are late, and the ones that rest and could still be asked. */
  readonly pending: number;
}

export type Decision<R> =
  | { readonly kind: 'decided'; readonly value: R }
  /** More answers may decide it. */
  | { readonly kind: 'open' }
  /** No answer still to come can decide it. */
  | { readonly kind: 'undecided' };

export type Rule<T, R> = (tally: Tally<T>) => Decision<R>;

/** More than half: two quorums always share a node. */
export function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}

/** For facts: what `quorum` nodes answer alike, as soon as they have. */
export function alike<T>(quorum: number): Rule<T, T> {
  return ({ votes, pending }) => {
    const group = largestGroup(votes);
    const [first] = group;
    if (first !== undefined && group.length >= quorum) return { kind: 'decided', value: first.value };
    return { kind: group.length + pending >= quorum ? 'open' : 'undecided' };
  };
}

/**
 * The same for facts that may be missing: answers that are not alike have shown nothing. Late ones are not waited for
 * once `heard` nodes have answered.
 */
export function alikeOrNothing<T>(quorum: number, heard = quorum): Rule<T | undefined, T | undefined> {
  const rule = alike<T | undefined>(quorum);
  return (tally) => {
    const decision = rule(tally);
    if (decision.kind === 'decided' || tally.votes.length < heard) return decision;
    const hopeless = rule({ ...tally, pending: tally.soon }).kind === 'undecided';
    return hopeless ? { kind: 'decided', value: undefined } : decision;
  };
}

/**
 * For what honest nodes see differently: combines the answers of a quorum that agrees, or of all that are not late.
 * `combine` gets at least `quorum` of them; `undefined` says that they show nothing.
 */
export function combined<T, R>(
  quorum: number,
  combine: (votes: readonly Vote<T>[]) => R | undefined,
): Rule<T, R> {
  return ({ votes, soon, pending }) => {
    const group = largestGroup(votes);
    const heard = group.length >= quorum ? group : soon === 0 && votes.length >= quorum ? votes : undefined;
    const value = heard && combine(heard);
    if (value !== undefined) return { kind: 'decided', value };
    return { kind: pending === 0 || votes.length + pending < quorum ? 'undecided' : 'open' };
  };
}

/** The same, of all that answer at all, however late. */
export function everyone<T, R>(
  quorum: number,
  combine: (votes: readonly Vote<T>[]) => R | undefined,
): Rule<T, R> {
  const rule = combined(quorum, combine);
  return (tally) => (tally.pending === 0 ? rule(tally) : { kind: 'open' });
}

/** Where no agreement is an answer too: nodes that fail leave nothing. */
export function orNothing<T, R>(rule: Rule<T, R | undefined>): Rule<T, R | undefined> {
  return (tally) => {
    const decision = rule(tally);
    return decision.kind === 'undecided' ? { kind: 'decided', value: undefined } : decision;
  };
}

/**
 * For what helps when only one does it: what a quorum answers alike, otherwise the first answer that is good.
 * `kindOf` tells which answers are alike.
 */
export function anyGood<T>(
  quorum: number,
  isGood: (value: T) => boolean,
  kindOf: (value: T) => string,
): Rule<T, T> {
  return ({ votes, soon, pending }) => {
    const group = largestGroup(votes, kindOf);
    const good = soon === 0 ? votes.find(({ value }) => isGood(value)) : undefined;
    const chosen = group.length >= quorum ? group[0] : good;
    if (chosen !== undefined) return { kind: 'decided', value: chosen.value };
    return { kind: pending === 0 ? 'undecided' : 'open' };
  };
}

/** For what proves itself: any answer will do. */
export function first<T>(): Rule<T, T> {
  return ({ votes: [vote], pending }) => {
    if (vote !== undefined) return { kind: 'decided', value: vote.value };
    return { kind: pending === 0 ? 'undecided' : 'open' };
  };
}

/** The greatest value that at least `quorum` of the values reach. */
export function reachedBy(values: readonly bigint[], quorum: number): bigint {
  const value = sorted(values)[values.length - quorum];
  if (value === undefined) throw new RangeError(`${quorum} values are needed, there are ${values.length}`);
  return value;
}

/** The middle value; of an even number of values the upper or the lower of the two in the middle. */
export function median(values: readonly bigint[], of: 'lower' | 'upper'): bigint {
  const at = of === 'lower' ? Math.floor((values.length - 1) / 2) : Math.floor(values.length / 2);
  const value = sorted(values)[at];
  if (value === undefined) throw new RangeError('there are no values');
  return value;
}

/** Equal for equal values of plain data: objects of the same fields in the same order, bytes, bigints, undefined. */
export function keyOf(value: unknown): string {
  return (
    JSON.stringify(value, (_name, inner: unknown) => {
      if (typeof inner === 'bigint') return `${inner}n`;
      return inner instanceof Uint8Array ? bytesToHex(inner) : inner;
    }) ?? 'undefined'
  );
}

function largestGroup<T>(
  votes: readonly Vote<T>[],
  kindOf: (value: T) => string = keyOf,
): readonly Vote<T>[] {
  const groups = Map.groupBy(votes, ({ value }) => kindOf(value));
  return [...groups.values()].reduce<readonly Vote<T>[]>(
    (best, group) => (group.length > best.length ? group : best),
    [],
  );
}

function sorted(values: readonly bigint[]): bigint[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
