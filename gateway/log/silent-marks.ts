/** Keeps which devices are silent, so that a restart neither forgets an alarm nor raises it again. */
import type { SilentMarks } from '../ports.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { Committer } from './committer.ts';

export class KeptSilence implements SilentMarks {
  readonly #registry: RegistryStore;
  readonly #committer: Committer;

  constructor(registry: RegistryStore, committer: Committer) {
    this.#registry = registry;
    this.#committer = committer;
  }

  mark(changes: readonly (readonly [device: string, at: number | null])[]): Promise<void> {
    return this.#committer.run(() => {
      for (const [device, at] of changes) this.#registry.markSilent(device, at);
    });
  }
}
