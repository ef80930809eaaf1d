/**
 * Statements that were refused for a state of their device that may pass: it was suspended, or its key not known yet. They lie in
 * quarantine; when the state passes they can be looked at again. One under an unknown key may be anybody's, so a long one is not kept whole,
 * and is left where it is.
 */
import type { RejectCode } from '../../src/verdict.ts';
import { open } from '../crypto/vault.ts';
import type { HeldBack, HeldBackStatement } from '../ports.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { Committer } from './committer.ts';
import type { Keyring } from './keyring.ts';

const HEALING_CODES: readonly RejectCode[] = ['suspended-device', 'unknown-key'];

export class QuarantinedStatements implements HeldBack {
  readonly #quarantine: QuarantineStore;
  readonly #keys: Keyring;
  readonly #committer: Committer;

  constructor(quarantine: QuarantineStore, keys: Keyring, committer: Committer) {
    this.#quarantine = quarantine;
    this.#keys = keys;
    this.#committer = committer;
  }

  async devices(): Promise<readonly string[]> {
    return this.#quarantine.devicesWith(HEALING_CODES);
  }

  async ofDevice(device: string): Promise<readonly HeldBackStatement[]> {
    return this.#quarantine.ofDevice(device, HEALING_CODES).flatMap((row) => {
      const key = this.#keys.keyOf(row.owner);
      const bytes = key && open(key, row.sealed, row.entry);
      return bytes?.length !== row.length ? [] : [{ id: row.id, bytes, receivedAt: row.received_at }];
    });
  }

  release(id: number): Promise<void> {
    return this.#committer.run(() => this.#quarantine.remove(id));
  }
}
