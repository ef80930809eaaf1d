/** Judges add-checkpoint requests (c2sp.org/tlog-witness): cosigns what extends all it has cosigned before, and nothing else. */
import { parseCheckpoint, verifyCheckpoint } from '../src/checkpoint.ts';
import { signCosignature } from '../src/cosignature.ts';
import type { Signer } from '../src/signature.ts';
import { parseAddCheckpoint, TREE_SIZE_MEDIA_TYPE } from '../src/tlog-witness.ts';
import type { TrustedLogs } from './config.ts';
import type { Heads } from './heads.ts';

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
  /** Told of what a log's key signed and what was refused all the same, in a sentence. */
  readonly onRefused: (origin: string, reason: string) => void;
}

const TEXT = 'text/plain; charset=utf-8';

export class Witness {
  readonly #parts: WitnessParts;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** Answers one request. Rejects only when the state fails; nothing must be answered with 200 then, nor later. */
  async addCheckpoint(body: string): Promise<Reply> {
    const { name, signer, logs, heads, onRefused } = this.#parts;
    const request = parseAddCheckpoint(body); // attacker-controlled
    if (request.kind === 'reject') return refuse(400, request.detail);
    const { oldSize, proof, note } = request.value;
    const checkpoint = parseCheckpoint(note);
    if (checkpoint.kind === 'reject') return refuse(400, checkpoint.detail);
    const { origin, size, root } = checkpoint.value;
    const keys = logs.get(origin);
    if (keys === undefined) return refuse(404, 'the witness does not know a log of this origin');
    const isSigned = keys.some(
      (key) => verifyCheckpoint(note, { origin, publicKey: key.publicKey, keyName: key.name }).kind === 'ok',
    );
    if (!isSigned)
      return refuse(403, 'no key that the witness trusts for this log has signed the checkpoint');
    if (oldSize > size) return refuse(400, 'the old size is above that of the checkpoint');

    const time = Math.floor(this.#parts.now() / 1000);
    const outcome = heads.advance({ origin, size, root, note }, oldSize, proof, time);
    switch (outcome.kind) {
      case 'other-size':
        return conflict(outcome.size);
      case 'fork':
        onRefused(
          origin,
          `the log has signed another root for the size ${size} than the one cosigned: a fork`,
        );
        return conflict(outcome.size);
      case 'bad-proof':
        onRefused(origin, `the proof from size ${oldSize} to size ${size} does not hold`);
        return refuse(422, 'the consistency proof does not lead from what was cosigned to this checkpoint');
      case 'advanced':
        return { status: 200, contentType: TEXT, body: await signCosignature(note, { name, time }, signer) };
    }
  }
}

function refuse(status: number, reason: string): Reply {
  return { status, contentType: TEXT, body: `${reason}\n` };
}

function conflict(size: number): Reply {
  return { status: 409, contentType: TREE_SIZE_MEDIA_TYPE, body: `${size}\n` };
}
