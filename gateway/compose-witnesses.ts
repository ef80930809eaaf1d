/** Puts the witness stage together: a follower for each configured witness. */
import { COSIGNATURE_TYPE } from '../src/cosignature.ts';
import { parseVerifierKey } from '../src/verifier-key.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Metrics } from './http/metrics.ts';
import type { Clock, Logger, Sealer, WitnessView } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import { WitnessClient } from './witness/client.ts';
import { WitnessFollower } from './witness/follower.ts';

export interface Witnesses {
  /** The log's sealer, whose checkpoints are shown to every witness. */
  readonly sealer: Sealer;
  views(): Promise<WitnessView[]>;
  /** Shows the checkpoint that a run before may have left unshown. */
  start(): void;
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
  const wake = (): void => {
    for (const follower of followers) follower.wake();
  };
  const views = (): Promise<WitnessView[]> => Promise.all(followers.map((follower) => follower.view()));
  metrics.watchWitnesses(views);
  return {
    sealer: {
      seal: async (beacon) => {
        const checkpoint = await store.log.sealer.seal(beacon);
        wake();
        return checkpoint;
      },
    },
    views,
    start: wake,
    close: async () => {
      await Promise.all(followers.map((follower) => follower.close()));
    },
  };
}
