/** A log whose operator can be honest or not, for tests of witnesses: any size of any of its histories, signed. */
import { utf8ToBytes } from '../../src/bytes.ts';
import { signCheckpoint } from '../../src/checkpoint.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { proveConsistency } from '../../src/merkle/proof.ts';
import { computeRoot } from '../../src/merkle/root.ts';
import { storeNodes } from '../../src/merkle/testing/tree.ts';
import { createSigner, type Signer } from '../../src/signature.ts';
import { encodeAddCheckpoint } from '../../src/tlog-witness.ts';

export const LOG_ORIGIN = 'log.example/one';
export const LOG_SIGNER: Signer = createSigner('Ed25519', new Uint8Array(32).fill(11));

export class TestLog {
  readonly #leaves: readonly Uint8Array[];
  readonly #signer: Signer;
  readonly #origin: string;

  /** @param forkAt from this index on the leaves are others than those of every other history */
  constructor(history = 'main', forkAt = 0, signer = LOG_SIGNER, origin = LOG_ORIGIN) {
    this.#leaves = Array.from({ length: 64 }, (_, index) =>
      hashLeaf(utf8ToBytes(`${index < forkAt ? 'main' : history} ${index}`)),
    );
    this.#signer = signer;
    this.#origin = origin;
  }

  root(size: number): Uint8Array {
    return computeRoot(this.#leaves.slice(0, size));
  }

  note(size: number): Promise<string> {
    return signCheckpoint({ origin: this.#origin, size, root: this.root(size) }, this.#signer);
  }

  proof(from: number, to: number): Uint8Array[] {
    return proveConsistency(storeNodes(this.#leaves.slice(0, to)), from, to);
  }

  /** The body of the request that a log sends that goes by `oldSize`. */
  async request(oldSize: number, size: number): Promise<string> {
    const proof = oldSize <= size ? this.proof(oldSize, size) : [];
    return encodeAddCheckpoint({ oldSize, proof, note: await this.note(size) });
  }
}
