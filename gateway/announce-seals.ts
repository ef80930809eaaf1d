/** A sealer whose checkpoints are made known, once they are durable, to who waits for them. */
import type { Sealer } from './ports.ts';

/** @param listeners called after each seal; they start their work and return. */
export function announceSeals(sealer: Sealer, ...listeners: readonly (() => void)[]): Sealer {
  return {
    seal: async (beacon) => {
      const checkpoint = await sealer.seal(beacon);
      for (const listener of listeners) listener();
      return checkpoint;
    },
  };
}
