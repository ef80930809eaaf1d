/** Puts the witness stage together: a follower for each configured witness. */
import { COSIGNATURE_TYPE } from '../src/cosignature.ts';
import { parseVerifierKey } from '../src/verifier-key.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Metrics } from './http/metrics.ts';
import type { Clock, Logger, WitnessView } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import { WitnessClient } from './witness/client.ts';
import { WitnessFollower } from './witness/follower.ts';

export interface Witnesses {
  /** There is a new checkpoint to show, or one that a run before may have left unshown. */
  wake(): void;
  views(): Promise<WitnessView[]>;
  close(): Promise<void>;
}

export interface WitnessesParts {
  readonly store: ConnectedStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function composeWitnesses(config: GatewayConfig, parts: WitnessesParts): Witnesses {
  const { store, metrics } = parts;
  const followers = config.witnesses.map(({ key: text, url }) => {
    const key = parseVerifierKey(text, COSIGNATURE_TYPE);
    if (key.kind === 'reject') throw new TypeError(`witnesses: ${key.detail}`); // the configuration was checked
    return new WitnessFollower({
      ...parts,
      key: key.value,
      client: new WitnessClient(url, key.value),
      log: store.log.reader,
      store: store.cosignatures,
      onFailure: (witness, code) => metrics.witnessFailure(witness, code),
    });
  });
  const views = (): Promise<WitnessView[]> => Promise.all(followers.map((follower) => follower.view()));
  metrics.watchWitnesses(views);
  return {
    wake: () => {
      for (const follower of followers) follower.wake();
    },
    views,
    close: async () => {
      await Promise.all(followers.map((follower) => follower.close()));
    },
  };
}
