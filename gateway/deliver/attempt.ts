/** One attempt at one batch: read it back from the log, seal it, sign it, post it. Changes nothing that lasts. */
import {
  DELIVERY_MAX_BYTES,
  DELIVERY_MEDIA_TYPE,
  type Delivery,
  deliveryAad,
  encodeDelivery,
} from '../../src/delivery.ts';
import {
  signWebhook,
  WEBHOOK_ID_HEADER,
  WEBHOOK_SIGNATURE_HEADER,
  WEBHOOK_TIMESTAMP_HEADER,
} from '../../src/webhook.ts';
import type { Batch, LogEntry, Provider } from '../ports.ts';
import { buildDelivery, readBatch } from './batching.ts';
import type { DeliveryContext } from './context.ts';
import { type HttpPoster, NoAnswerError } from './http-post.ts';
import { judgeAnswer, type Outcome } from './outcome.ts';
import { sealDelivery } from './seal.ts';

/** What came of an attempt. */
export interface Attempt {
  readonly outcome: Outcome;
  readonly entries: readonly LogEntry[];
  /** Size of the body before it was sealed. */
  readonly bodyBytes: number;
}

/**
 * Sends the batch once. A failure on the provider's side is an outcome.
 * @throws GatewayError when log, anchors or store fail
 */
export async function attemptDelivery(
  context: DeliveryContext,
  provider: Provider,
  batch: Batch,
  { poster, stopping }: { readonly poster: HttpPoster; readonly stopping: AbortSignal },
): Promise<Attempt> {
  const entries = await readBatch(context.log, batch);
  const delivery = await buildDelivery(context, batch, entries, context.origin);
  const body = encode(delivery);
  if (body === undefined) {
    return {
      outcome: { kind: 'too-large', error: 'no body can hold it' },
      entries,
      bodyBytes: DELIVERY_MAX_BYTES,
    };
  }
  const sealed = await sealDelivery(body, { recipient: provider.sealingKey, aad: deliveryAad(delivery) });
  const headers = await signedHeaders(context, batch, sealed);
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(context.settings.timeoutMs)]);
  const outcome = await post(poster, { url: provider.url, headers, body: sealed, signal });
  return { outcome, entries, bodyBytes: body.length };
}

/** `undefined` when the body breaks a limit of the format: smaller parts of the batch may keep to it. */
function encode(delivery: Delivery): Uint8Array | undefined {
  try {
    return encodeDelivery(delivery);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function signedHeaders({ clock, signers }: DeliveryContext, batch: Batch, body: Uint8Array) {
  const signed = await signWebhook(batch.id, Math.floor(clock.now() / 1000), body, signers);
  return {
    'content-type': DELIVERY_MEDIA_TYPE,
    [WEBHOOK_ID_HEADER]: signed.id,
    [WEBHOOK_TIMESTAMP_HEADER]: signed.timestamp,
    [WEBHOOK_SIGNATURE_HEADER]: signed.signature,
  };
}

async function post(poster: HttpPoster, request: Parameters<HttpPoster['post']>[0]): Promise<Outcome> {
  try {
    return judgeAnswer(await poster.post(request));
  } catch (cause) {
    if (cause instanceof NoAnswerError) return { kind: 'retry', error: cause.message, refused: false };
    throw cause;
  }
}
