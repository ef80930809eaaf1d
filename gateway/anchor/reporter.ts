/** Turns what happens into log lines, metrics and status; says a thing once, not at every try. */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord, AnchorSetback, Clock, Logger } from '../ports.ts';
import type { SubmitOutcome } from './attempt.ts';
import type { Funds } from './balance.ts';
import type { BlockWatch } from './block-watch.ts';
import type { Account } from './chain.ts';
import type { ChainView, Change } from './reconcile.ts';
import type { AnchorFailure, AnchorMetrics, AnchorStatus, AnchorWait } from './status.ts';

/** The two halves of a turn, which fail and recover apart from each other. */
export type TurnPart = 'sealing' | 'anchoring';

/** What is said when an anchor begins to wait for its price. */
const WAITS = {
  fee: 'gas costs more than the configured ceiling: anchoring waits, receipts come later',
  'cheaper-gas': 'gas costs more than the preferred price: anchoring waits for it until the deadline',
  'stuck-at-ceiling':
    'the pending anchor is stuck, and to replace it would cost more than the configured ceiling: it stays as it is',
  block: 'the chain stands still: no block has come that the pending anchor could go into',
} as const;

/** What is said of an attempt that was set back, and what becomes of it. */
const SETBACKS: Readonly<Record<AnchorSetback, string>> = {
  reorganised:
    'a reorganisation took the block of an anchor: it is submitted again, until another block holds it or a newer anchor covers it',
  reverted: 'the contract refused an anchor: the next checkpoint is tried',
  replaced: 'another transaction took the place of an anchor attempt',
  'other-target':
    'an anchor was meant for another chain, contract or log: it is given up, the next covers it',
};

export interface ReporterParts {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics?: AnchorMetrics;
}

export class Reporter {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #metrics: AnchorMetrics | undefined;
  readonly #failures = new Map<TurnPart, AnchorFailure>();
  readonly #blocks: BlockWatch;
  #unreachableSince: number | undefined;
  #waitingFor: AnchorWait | undefined;

  constructor({ logger, clock, metrics }: ReporterParts, blocks: BlockWatch) {
    this.#blocks = blocks;
    this.#logger = logger;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** The part of the status that is known from here. */
  state(): Partial<AnchorStatus> {
    const lastError = [...this.#failures.values()].sort((a, b) => b.at - a.at)[0];
    return {
      ...this.#blocks.state(),
      ...(this.#unreachableSince !== undefined && { unreachableSince: this.#unreachableSince }),
      ...(this.#waitingFor && { waitingFor: this.#waitingFor }),
      ...(lastError && { lastError }),
    };
  }

  /** Records a failure; returns it as the GatewayError that it is or stands for. */
  failed(part: TurnPart, error: unknown): GatewayError {
    const failure = asGatewayError(part, error);
    const { code, message } = failure;
    const before = this.#failures.get(part);
    this.#failures.set(part, { code, message, at: this.#clock.now() });
    this.#metrics?.failed(code);
    if (code === 'chain-unreachable') {
      this.#unreachableSince ??= this.#clock.now();
      this.#metrics?.reachable(false);
    }
    if (code === 'chain-unreachable' || code === 'chain-mismatch') this.#metrics?.chain(undefined);
    // A stack helps only where nobody foresaw the failure.
    const fields = { code, part, ...(failure !== error && { err: failure }), ...failure.details };
    if (failure.fatal) this.#logger.error(fields, message);
    else if (before === undefined || !isSameFailure(before, failure)) this.#logger.warn(fields, message);
    else this.#logger.debug(fields, message);
    return failure;
  }

  succeeded(part: TurnPart): void {
    this.#failures.delete(part);
    if (part === 'sealing') return;
    this.#metrics?.reachable(true);
    if (this.#unreachableSince === undefined) return;
    this.#logger.info(
      { unreachableMs: this.#clock.now() - this.#unreachableSince },
      'the chain answers again',
    );
    this.#unreachableSince = undefined;
  }

  looked(view: ChainView, { balance }: Account, { anchorsLeft }: Funds): void {
    const { newest, final } = view;
    this.#blocks.look(view, this.#clock.now());
    this.#metrics?.chain({
      newestBlock: newest.number,
      newestBlockTime: newest.time,
      finalBlock: final.number,
      balance,
      anchorsLeft,
    });
  }

  changed({ before, after }: Change): void {
    const fields = { size: after.size, transaction: toHex(after.transactionHash) };
    const seconds = (this.#clock.now() - after.submittedAt) / 1000;
    if (before.state === 'final') {
      this.#logger.error(fields, 'the chain took back a final block: the anchor in it is submitted again');
    }
    if (before.state === 'submitted' && after.anchor !== undefined) {
      this.#logger.info(
        { ...fields, block: Number(after.anchor.blockNumber), gas: Number(after.gasUsed) },
        'anchored checkpoint',
      );
      this.#metrics?.anchored(after.size, after.gasUsed ?? 0n, seconds);
    }
    this.#moved(before, after, fields);
    if (after.state === 'final') {
      this.#logger.info(fields, 'anchor is final');
      this.#metrics?.final(after.size, seconds);
    } else if (after.setback !== undefined && after.setback !== before.setback) {
      const { setback, state } = after;
      const level = setback === 'replaced' ? 'debug' : 'warn';
      this.#logger[level]({ ...fields, ...lostBlock(before), setback, state }, SETBACKS[setback]);
      this.#metrics?.setback(setback);
    }
  }

  #moved(before: AnchorRecord, after: AnchorRecord, fields: object): void {
    if (before.anchor === undefined || after.anchor === undefined) return;
    if (equalBytes(before.anchor.blockHash, after.anchor.blockHash)) return;
    const block = { block: Number(after.anchor.blockNumber), blockHash: toHex(after.anchor.blockHash) };
    this.#logger.info(
      { ...fields, ...lostBlock(before), ...block },
      'a reorganisation took the block of an anchor, and another block holds it already',
    );
    this.#metrics?.setback('reorganised');
  }

  submitted(outcome: SubmitOutcome): void {
    const before = this.#waitingFor?.for;
    this.#waitingFor = waitOf(outcome) ?? this.#standstill(outcome);
    if (before === 'block' && this.#waitingFor?.for !== 'block')
      this.#logger.info({}, 'the chain makes blocks again');
    if (outcome.kind === 'sent' || outcome.kind === 'resent') {
      const { size, transactionHash, nonce } = outcome.record;
      const how =
        outcome.kind === 'resent' ? 'resent' : outcome.replaces === undefined ? 'new' : 'replacement';
      this.#logger.info({ size, nonce, how, transaction: toHex(transactionHash) }, 'submitted checkpoint');
      this.#metrics?.submitted(size, how);
      return;
    }
    const wait = this.#waitingFor;
    if (wait === undefined || wait.for === 'next-checkpoint' || wait.for === before) return;
    const level = wait.for === 'cheaper-gas' ? 'info' : 'warn';
    const why =
      wait.for === 'block'
        ? { since: new Date(wait.since).toISOString() }
        : { neededWei: String(wait.neededWei) };
    this.#logger[level](why, WAITS[wait.for]);
  }

  #standstill(outcome: SubmitOutcome): AnchorWait | undefined {
    if (!('record' in outcome)) return undefined;
    const since = this.#blocks.stillSince(outcome.record, this.#clock.now());
    return since === undefined ? undefined : { for: 'block', since };
  }
}

function lostBlock({ anchor }: AnchorRecord): object {
  if (anchor === undefined) return {};
  return { lostBlock: Number(anchor.blockNumber), lostBlockHash: toHex(anchor.blockHash) };
}

function waitOf(outcome: SubmitOutcome): AnchorWait | undefined {
  if (outcome.kind !== 'waiting' || outcome.for === 'inclusion') return undefined;
  if (outcome.for === 'next-checkpoint') return { for: outcome.for };
  if (outcome.for === 'cheaper-gas')
    return { for: outcome.for, neededWei: outcome.needed, until: outcome.until };
  return { for: outcome.for, neededWei: outcome.needed };
}

/** Amounts change from try to try; the words say whether it is the same trouble. An unreachable node is one trouble. */
function isSameFailure(before: AnchorFailure, now: GatewayError): boolean {
  if (before.code !== now.code) return false;
  return (
    now.code === 'chain-unreachable' ||
    before.message.replaceAll(/[\d.]+/g, '') === now.message.replaceAll(/[\d.]+/g, '')
  );
}

function asGatewayError(part: TurnPart, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new GatewayError('anchor-failed', `${part} failed in an unexpected way: ${reason}`, {
    cause: error,
  });
}

function toHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}
