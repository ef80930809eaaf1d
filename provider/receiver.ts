/**
 * What happens to a delivery, from headers and body to the answer. Usable under any HTTP server.
 *
 * 2xx is said only when everything is on disk. What the gateway can put right by sending again gets an answer it
 * retries (401, 421, 503); what no retry changes gets one that sends the batch to its dead letters (400, 422).
 * An entry that is not believed does not fail its batch: it is kept among the refused, and the batch is acknowledged.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  type Delivery,
  decodeDelivery,
  deliveryAad,
  isBatchId,
  type ReceiptsDelivery,
  type StatementsDelivery,
} from '../src/delivery.ts';
import { hashEntry } from '../src/statement.ts';
import { findWebhookFault, type WebhookHeaders } from '../src/webhook.ts';
import type { PlacedEvent } from './device-history.ts';
import type { Inbox } from './inbox.ts';
import { type Judgement, judgeEvent, judgeStatement, type Trust } from './judge.ts';
import type { Opener } from './open.ts';
import { verifyReceipts } from './receipts.ts';

export interface ReceiverOptions {
  readonly inbox: Inbox;
  readonly open: Opener;
  /** Our id, as the gateway knows us. */
  readonly provider: string;
  readonly trust: Trust;
  /** Ed25519 webhook keys of the gateway, 32 bytes each: one, or two while it changes them. */
  readonly webhookKeys: readonly Uint8Array[];
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The answer to a delivery. `code` says in a word what `status` says in a number. */
export interface Reply {
  readonly status: 200 | 400 | 401 | 421 | 422;
  readonly code: string;
  readonly detail: string;
}

/** Statements verified before other work gets a turn: about 30 ms with the portable verifier. */
const TURN = 16;

export class Receiver {
  readonly #options: ReceiverOptions;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Takes one delivery. Rejects when the store fails: the caller answers 503, and the gateway sends again.
   * Deliveries are stored one after another, so that a device's events are there when its statements are judged.
   */
  async receive(headers: Partial<WebhookHeaders>, body: Uint8Array): Promise<Reply> {
    const { webhookKeys, now, open, provider, trust } = this.#options;
    // attacker-controlled: cheap checks first, and nothing is opened that the gateway has not signed just now.
    const fault = findWebhookFault(headers, body, {
      publicKeys: webhookKeys,
      nowSeconds: Math.floor(now() / 1000),
    });
    if (fault !== undefined) return reply(401, fault, 'not a fresh webhook of the gateway');
    const batch = headers.id ?? '';
    if (!isBatchId(batch)) return reply(400, 'malformed', 'webhook-id is not a batch id');
    const opened = await open(body, deliveryAad({ origin: trust.origin, provider, batch }));
    if (opened === undefined) return reply(421, 'cannot-open', 'not sealed to this provider');
    const delivery = decodeDelivery(opened);
    if (delivery.kind === 'reject') return reply(400, delivery.code, delivery.detail);
    const { value } = delivery;
    if (value.batch !== batch || value.provider !== provider || value.origin !== trust.origin) {
      return reply(400, 'malformed', 'the body names another batch, provider or log');
    }
    return this.#inTurn(() => this.#take(value, opened));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  #take(delivery: Delivery, body: Uint8Array): Promise<Reply> {
    return delivery.kind === 'statements'
      ? this.#takeStatements(delivery)
      : this.#takeReceipts(delivery, body);
  }

  async #takeStatements({ entries, erased, batch }: StatementsDelivery): Promise<Reply> {
    const { inbox, now } = this.#options;
    const judged = await this.#judge(entries);
    const { stored, known, refused } = inbox.store(judged, erased, batch, now());
    return reply(200, 'stored', `${stored} stored, ${known} known, ${refused} refused`);
  }

  /** Events first, because statements of the same batch rest on them; then what older events had kept waiting. */
  async #judge(entries: StatementsDelivery['entries']): Promise<Judgement[]> {
    const { inbox, trust } = this.#options;
    const judged = entries
      .filter(({ kind }) => kind === 'device-event')
      .map((entry) => judgeEvent(entry, trust));
    const histories = new Map<string, PlacedEvent[]>();
    const historyOf = (device: string): PlacedEvent[] => {
      const history = histories.get(device) ?? inbox.historyOf(device);
      histories.set(device, history);
      return history;
    };
    const healed = new Set<string>();
    for (const judgement of judged) {
      if (judgement.kind === 'refused' || judgement.entry.event === undefined) continue;
      const { device, index, event } = judgement.entry;
      const history = historyOf(device);
      if (history.some((known) => known.index === index)) continue;
      history.push({ index, ...event });
      healed.add(device);
    }
    const healable = [...healed].flatMap((device) => inbox.healable(device));
    const statements = [...entries.filter(({ kind }) => kind === 'statement'), ...healable];
    for (const [at, entry] of statements.entries()) {
      if (at % TURN === TURN - 1) await yieldToOthers();
      judged.push(judgeStatement(entry, trust, historyOf));
    }
    return judged;
  }

  async #takeReceipts(delivery: ReceiptsDelivery, body: Uint8Array): Promise<Reply> {
    const { inbox, trust, now } = this.#options;
    const verified = verifyReceipts(delivery, trust);
    if (verified.kind === 'ok' && inbox.storeProof(verified.value)) {
      return reply(200, 'stored', `${delivery.entries.length} proven`);
    }
    const fault =
      verified.kind === 'ok'
        ? { code: 'fork', detail: 'the log signed two roots of one size' }
        : { code: verified.code, detail: verified.detail };
    inbox.refuseReceipts(hashEntry(body), body, fault, delivery.batch, now());
    return reply(422, fault.code, fault.detail);
  }
}

function reply(status: Reply['status'], code: string, detail: string): Reply {
  return { status, code, detail };
}
