/** The one place where witnesses are spoken to (C2SP tlog-witness over HTTP). Redirects are not followed; every answer is hostile. */
import type { Cosignature } from '../../src/cosignature.ts';
import type { NoteKey } from '../../src/signed-note.ts';
import {
  ADD_CHECKPOINT_PATH,
  type AddCheckpoint,
  encodeAddCheckpoint,
  parseTreeSize,
  readCosignatures,
  TREE_SIZE_MEDIA_TYPE,
  WITNESS_MESSAGE_MAX_BYTES,
} from '../../src/tlog-witness.ts';
import { readBounded, whyNoAnswer } from '../bounded-answer.ts';

/** A witness that takes longer is treated as not there. */
const TIMEOUT_MS = 10_000;
const MEDIA_TYPE = 'text/plain; charset=utf-8';

/** What a witness said, as far as it can be believed. Reasons name neither URL nor what the answer held. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly cosignature: Cosignature }
  /** 409: it has cosigned this size last, or another root of the same size. */
  | { readonly kind: 'other-size'; readonly size: number }
  /** 422: the proof does not hold for what it has cosigned. */
  | { readonly kind: 'bad-proof' }
  /** It will not cosign for us as things stand, or what it says makes no sense. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer, or one that says that it cannot just now. */
  | { readonly kind: 'away'; readonly reason: string };

const REFUSALS: ReadonlyMap<number, string> = new Map([
  [403, 'it trusts no key that signed the checkpoint; give its operator the log’s verifier key'],
  [404, 'it does not know this log, or there is no witness under this URL'],
]);

export class WitnessClient {
  readonly #url: string;
  readonly #key: NoteKey;

  /** @param url the submission prefix */
  constructor(url: string, key: NoteKey) {
    this.#url = `${url.replace(/\/+$/, '')}${ADD_CHECKPOINT_PATH}`;
    this.#key = key;
  }

  /** Asks for a cosignature. Never rejects. */
  async addCheckpoint(request: AddCheckpoint, closing: AbortSignal): Promise<WitnessAnswer> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': MEDIA_TYPE },
        body: encodeAddCheckpoint(request),
        redirect: 'manual',
        signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      return await this.#read(response, request.note);
    } catch (error) {
      return { kind: 'away', reason: whyNoAnswer(error) };
    }
  }

  async #read(response: Response, note: string): Promise<WitnessAnswer> {
    const { status } = response;
    if (status === 200) {
      const cosigned = readCosignatures(note, await readText(response), this.#key);
      if (cosigned.kind === 'ok') return { kind: 'cosigned', cosignature: cosigned.value };
      return refused(`its answer holds no cosignature of its configured key: ${cosigned.detail}`);
    }
    if (status === 409) {
      const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim();
      const size = parseTreeSize((await readText(response)).replace(/\n$/, ''));
      if (mediaType === TREE_SIZE_MEDIA_TYPE && size !== undefined) return { kind: 'other-size', size };
      return refused('it answered 409 without a size');
    }
    await response.body?.cancel();
    if (status === 422) return { kind: 'bad-proof' };
    if (status === 429 || status >= 500) return { kind: 'away', reason: `it answered ${status}` };
    return refused(REFUSALS.get(status) ?? `it answered ${status}`);
  }
}

function refused(reason: string): WitnessAnswer {
  return { kind: 'refused', reason };
}

/** The body as text; bytes that are no UTF-8 become a text that no answer holds. */
async function readText(response: Response): Promise<string> {
  return new TextDecoder().decode(await readBounded(response, WITNESS_MESSAGE_MAX_BYTES));
}
