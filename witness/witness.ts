/** Judges add-checkpoint requests (c2sp.org/tlog-witness): cosigns what extends all it has cosigned before, and nothing else. */
import { parseCheckpoint, verifyCheckpoint } from '../src/checkpoint.ts';
import { signCosignature } from '../src/cosignature.ts';
import type { Signer } from '../src/signature.ts';
import {
  ED25519_TYPE,
  formatSignatureLine,
  type NoteKey,
  parseNote,
  signaturesOf,
} from '../src/signed-note.ts';
import { parseAddCheckpoint, TREE_SIZE_MEDIA_TYPE } from '../src/tlog-witness.ts';
import type { TrustedLogs } from './config.ts';
import type { Advance, Heads } from './heads.ts';
import { RateLimit } from './rate-limit.ts';

/** An HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface WitnessParts {
  readonly name: string;
  readonly signer: Signer;
  readonly logs: TrustedLogs;
  readonly heads: Heads;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Told of what a log's key signed and what was refused all the same: of each kind and log once a minute. */
  readonly logger: WitnessLogger;
}

export interface WitnessLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const FORK = 'the log has signed two roots for one size: it has forked; witness list shows both';

const TEXT = 'text/plain; charset=utf-8';

export class Witness {
  readonly #parts: WitnessParts;
  readonly #told: RateLimit;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
    this.#told = new RateLimit(1, () => performance.now());
  }

  /** Answers one request. Rejects only when the state fails; nothing must be answered with 200 then, nor later. */
  async addCheckpoint(body: string): Promise<Reply> {
    const { name, signer, logs, heads } = this.#parts;
    const request = parseAddCheckpoint(body); // attacker-controlled
    if (request.kind === 'reject') return refuse(400, request.detail);
    const { oldSize, proof, note } = request.value;
    const checkpoint = parseCheckpoint(note);
    if (checkpoint.kind === 'reject') return refuse(400, checkpoint.detail);
    const { origin, size, root } = checkpoint.value;
    const keys = logs.get(origin);
    if (keys === undefined) return refuse(404, 'the witness does not know a log of this origin');
    const key = keys.find(
      ({ publicKey, name: keyName }) => verifyCheckpoint(note, { origin, publicKey, keyName }).kind === 'ok',
    );
    if (key === undefined)
      return refuse(403, 'no key that the witness trusts for this log has signed the checkpoint');
    if (oldSize > size) return refuse(400, 'the old size is above that of the checkpoint');

    const time = Math.floor(this.#parts.now() / 1000);
    const head = { origin, size, root, note: withoutOthers(note, key) };
    const outcome = heads.advance(head, oldSize, proof, time);
    this.#tell({ origin, offered: size }, outcome);
    switch (outcome.kind) {
      case 'other-size':
      case 'stale':
      case 'fork':
        return conflict(outcome.size);
      case 'bad-proof':
        return refuse(422, 'the consistency proof does not lead from what was cosigned to this checkpoint');
      case 'advanced':
        return { status: 200, contentType: TEXT, body: await signCosignature(note, { name, time }, signer) };
    }
  }

  #tell(offer: { readonly origin: string; readonly offered: number }, outcome: Advance): void {
    const { logger } = this.#parts;
    const isFork = outcome.kind === 'fork' || (outcome.kind === 'advanced' && outcome.isFork);
    const isRefused = outcome.kind === 'bad-proof' || outcome.kind === 'stale';
    if ((!isFork && !isRefused) || !this.#told.allow(`${outcome.kind} ${offer.origin}`)) return;
    const fields = { ...offer, cosigned: outcome.size };
    if (isFork) logger.error(fields, FORK);
    else if (outcome.kind === 'stale')
      logger.warn(
        fields,
        'the log’s checkpoint is smaller than the one cosigned: the log was put back to an old copy, or an old checkpoint is shown again',
      );
    else
      logger.warn(
        fields,
        'the proof to the log’s checkpoint does not hold: the log has forked, or the proof was broken on the way; witness list shows both',
      );
  }
}

/** The note with one signature, the log's: what anybody else writes under it would fill the disk. */
function withoutOthers(note: string, key: NoteKey): string {
  const parsed = parseNote(note);
  if (parsed.kind === 'reject') throw new Error(parsed.detail); // it was verified
  const [signature] = signaturesOf(parsed.value, key, ED25519_TYPE);
  return `${parsed.value.text}\n${signature === undefined ? '' : formatSignatureLine(signature)}`;
}

function refuse(status: number, reason: string): Reply {
  return { status, contentType: TEXT, body: `${reason}\n` };
}

function conflict(size: number): Reply {
  return { status: 409, contentType: TREE_SIZE_MEDIA_TYPE, body: `${size}\n` };
}
