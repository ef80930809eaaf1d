/**
 * Asks several nodes the same and answers as soon as a rule is satisfied: never later because of a node that stalls,
 * never otherwise because of one that lies. What a late answer was worth is noted when it comes.
 */
import { GatewayError } from '../../errors.ts';
import { Member, type MemberParts, type MemberStatus, type Party, reasonOf } from './member.ts';
import { first, keyOf, type Rule, type Vote } from './votes.ts';

export interface Question<N, T, R = T> {
  /** What it is about, in a closed set of words: in log lines, status and errors. */
  readonly about: string;
  ask(node: N): Promise<T>;
  /** The answer in a few words. */
  show(value: T): string;
  /**
   * Whether the answer differs from what was decided; `undefined`: it says neither. Without it nothing is compared.
   */
  differs?(value: T, decided: R, node: string): boolean | undefined;
  /** The fact changes from block to block: an answer that differs is counted only when it goes on. */
  readonly moving?: boolean;
}

export class Quorum<N extends Party> {
  /** How many must agree. */
  readonly size: number;
  readonly #members: readonly Member<N>[];

  /** @throws RangeError unless `size` is more than half of the nodes, no more than all of them, and each has its own name. */
  constructor(nodes: readonly N[], size: number, parts: MemberParts) {
    if (!(2 * size > nodes.length && size <= nodes.length))
      throw new RangeError(`a quorum of ${nodes.length} nodes cannot be ${size}`);
    if (new Set(nodes.map(({ name }) => name)).size < nodes.length)
      throw new RangeError('two of the nodes have the same name');
    this.size = size;
    // A single node's trouble is the caller's to tell.
    const { logger, ...quiet } = parts;
    const own = nodes.length > 1 && logger !== undefined ? parts : quiet;
    this.#members = nodes.map((node) => new Member(node, own));
  }

  status(): MemberStatus[] {
    return this.#members.map((member) => member.status());
  }

  /**
   * Asks all nodes, or those named, by the rule. Nodes that rest are asked when the others do not suffice, nodes that
   * asked not to be asked are not.
   * @throws GatewayError `chain-unreachable` when the rule is not satisfied; with a single node, what that one threw.
   */
  poll<T, R>(question: Question<N, T, R>, rule: Rule<T, R>, among?: ReadonlySet<string>): Promise<R> {
    const members = this.#members.filter(({ node }) => among?.has(node.name) ?? true);
    return new Promise((resolve, reject) => {
      new Poll(question, rule, members, { resolve, reject, size: this.size }).start(allAtOnce);
    });
  }

  /**
   * Asks one node after another, those that rest last, until one answers: for answers that prove themselves and are
   * dear to give. The next is asked when the one before fails or is late.
   * @throws GatewayError `chain-unreachable` when none answers; with a single node, what that one threw.
   */
  askOne<T>(question: Question<N, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      new Poll(question, first<T>(), this.#members, { resolve, reject, size: 1 }).start(oneByOne);
    });
  }

  close(): void {
    for (const member of this.#members) member.close();
  }
}

/** In which groups nodes are asked: the next when all before it have answered, failed or are late. */
type Order = <N extends Party>(ready: readonly Member<N>[], resting: readonly Member<N>[]) => Groups<N>;
type Groups<N extends Party> = readonly (readonly Member<N>[])[];

const allAtOnce: Order = (ready, resting) => [ready, resting];
const oneByOne: Order = (ready, resting) => [...ready, ...resting].map((member) => [member]);

interface Outcome<R> {
  readonly size: number;
  resolve(value: R): void;
  reject(error: unknown): void;
}

class Poll<N extends Party, T, R> {
  readonly #question: Question<N, T, R>;
  readonly #rule: Rule<T, R>;
  readonly #members: readonly Member<N>[];
  readonly #outcome: Outcome<R>;
  readonly #votes: Vote<T>[] = [];
  readonly #failures: { readonly node: string; readonly error: unknown }[] = [];
  #groups: Groups<N> = [];
  #barred: readonly Member<N>[] = [];
  #soon = 0;
  #late = 0;
  #decided: { readonly value: R } | undefined;
  #over = false;

  constructor(
    question: Question<N, T, R>,
    rule: Rule<T, R>,
    members: readonly Member<N>[],
    outcome: Outcome<R>,
  ) {
    this.#question = question;
    this.#rule = rule;
    this.#members = members;
    this.#outcome = outcome;
  }

  start(order: Order): void {
    const by = Map.groupBy(this.#members, ({ standing }) => standing);
    this.#barred = by.get('barred') ?? [];
    const groups = order(by.get('ready') ?? [], by.get('resting') ?? []);
    this.#groups = groups.filter(({ length }) => length > 0);
    // Before the rule is looked at: it may be content with nothing where nobody is to answer.
    this.#askNext();
    this.#advance();
  }

  #askNext(): void {
    const [next = [], ...later] = this.#groups;
    this.#groups = later;
    this.#soon += next.length;
    for (const member of next) void this.#hear(member);
  }

  async #hear(member: Member<N>): Promise<void> {
    let isLate = false;
    const onLate = (): void => {
      isLate = true;
      this.#soon -= 1;
      this.#late += 1;
      this.#advance();
    };
    const node = member.node.name;
    try {
      const value = await member.ask((asked) => this.#question.ask(asked), onLate);
      this.#votes.push({ node, value });
    } catch (error) {
      this.#failures.push({ node, error });
    }
    if (isLate) this.#late -= 1;
    else this.#soon -= 1;
    this.#advance();
    this.#compare();
  }

  #advance(): void {
    if (this.#over) return;
    const pending = this.#soon + this.#late + this.#groups.flat().length;
    const decision = this.#rule({ votes: [...this.#votes], soon: this.#soon, pending });
    if (decision.kind === 'decided') {
      this.#over = true;
      this.#decided = decision;
      this.#outcome.resolve(decision.value);
    } else if (this.#soon === 0 && (decision.kind === 'undecided' || pending === 0)) {
      // Not before: who reads the error wants to know what the others say.
      this.#over = true;
      this.#outcome.reject(this.#noQuorum());
    } else if (this.#soon === 0) {
      this.#askNext();
    }
  }

  /** Each answer is held against the decision once, whichever came first. */
  #compare(): void {
    const { about, differs, moving = false } = this.#question;
    if (this.#decided === undefined || differs === undefined) return;
    for (const { node, value } of this.#votes.splice(0)) {
      const member = this.#members.find((candidate) => candidate.node.name === node);
      const verdict = differs(value, this.#decided.value, node);
      if (verdict === true) member?.disagreed(about, moving);
      else if (verdict === false) member?.agreed(about);
    }
  }

  #noQuorum(): unknown {
    const [only] = this.#failures;
    const of = this.#members.length;
    if (of === 1 && only !== undefined) return only.error;
    const said = [
      ...this.#votes.map(({ node, value }) => `${node} said ${this.#question.show(value)}`),
      ...this.#failures.map(({ error }) => reasonOf(error)),
      ...this.#barred.map(({ bar }) => bar),
    ];
    return noQuorum(this.#outcome.size, of, this.#question.about, this.#votes.length, said);
  }
}

/** The error for a question on which too few agree. `said`: what each node had to say, in a few words. */
export function noQuorum(
  size: number,
  of: number,
  about: string,
  answered: number,
  said: readonly string[],
): GatewayError {
  const agreed =
    size === 1
      ? `none of ${of} nodes gave ${about}`
      : `no ${size} of ${of} nodes agree on ${about}, ${answered} answered`;
  const who = of === 1 ? '' : `${agreed}: `;
  const message = `${who}${said.join('; ')}; anchoring goes on when that is over, readings are taken meanwhile`;
  return new GatewayError('chain-unreachable', message, { details: { nodes: of, answered, quorum: size } });
}

/** For facts: another value differs; a node that has none yet says nothing. */
export function isOther<T>(value: T, decided: T): boolean | undefined {
  if (value === undefined || decided === undefined) return undefined;
  return keyOf(value) !== keyOf(decided);
}
