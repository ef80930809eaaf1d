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

export interface HeldBackParts {
  readonly quarantine: QuarantineStore;
  readonly keys: Keyring;
  readonly committer: Committer;
  /** Inside a transaction: a statement of this device was judged a second time. */
  readonly countOnce: (device: string) => void;
}

export class QuarantinedStatements implements HeldBack {
  readonly #parts: HeldBackParts;

  constructor(parts: HeldBackParts) {
    this.#parts = parts;
  }

  async devices(): Promise<readonly string[]> {
    return this.#parts.quarantine.devicesWith(HEALING_CODES);
  }

  async ofDevice(device: string): Promise<readonly HeldBackStatement[]> {
    const { quarantine, keys } = this.#parts;
    return quarantine.ofDevice(device, HEALING_CODES).flatMap((row) => {
      const key = keys.keyOf(row.owner);
      const bytes = key && open(key, row.sealed, row.entry);
      return bytes?.length !== row.length ? [] : [{ id: row.id, bytes, receivedAt: row.received_at }];
    });
  }

  release(id: number): Promise<void> {
    return this.#change(id, () => this.#parts.quarantine.remove(id));
  }

  refused(id: number, code: RejectCode, detail: string): Promise<void> {
    return this.#change(id, () => {
      if (!HEALING_CODES.includes(code)) this.#parts.quarantine.refuseForGood(id, code, detail);
    });
  }

  #change(id: number, change: () => void): Promise<void> {
    const { committer, quarantine, countOnce } = this.#parts;
    return committer.run(() => {
      const device = quarantine.deviceOf(id);
      if (device !== undefined) countOnce(device);
      change();
    });
  }
}
