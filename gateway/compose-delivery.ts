/** Puts the deliver stage together. */
import { base64ToBytes, bytesToHex } from '../src/bytes.ts';
import type { Anchoring } from './compose-anchoring.ts';
import type { GatewayConfig } from './config-schema.ts';
import { randomCti } from './crypto/random.ts';
import { DEFAULT_DELIVERY_SETTINGS } from './deliver/context.ts';
import { Deliverer } from './deliver/deliverer.ts';
import type { GatewayError } from './errors.ts';
import type { Metrics } from './http/metrics.ts';
import type { Clock, Logger } from './ports.ts';
import { readSigner } from './secrets.ts';
import type { ConnectedStore } from './store-thread/connect.ts';

export interface DeliveryParts {
  readonly store: ConnectedStore;
  readonly anchoring: Anchoring;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onFatal: (error: GatewayError) => void;
}

export function composeDelivery(config: GatewayConfig, parts: DeliveryParts): Deliverer {
  const { store, anchoring, clock, logger, metrics, onFatal } = parts;
  return new Deliverer({
    origin: config.origin,
    log: store.log.reader,
    anchors: store.anchors,
    store: store.deliveries,
    signers: [readSigner(config.keys.webhookKeyFile, 'keys.webhookKeyFile')],
    clock,
    random: Math.random, // jitter only
    newId: () => bytesToHex(randomCti()),
    logger,
    metrics: {
      attempted: (provider, kind, outcome) => metrics.delivery(provider, kind, outcome),
      delivered: (provider, kind, entries) => metrics.delivered(provider, kind, entries),
    },
    settings: { ...DEFAULT_DELIVERY_SETTINGS, maxEntries: config.limits.deliveryBatch },
    providers: config.providers.map(({ id, url, sealingKey }) => ({
      id,
      url,
      sealingKey: base64ToBytes(sealingKey) as Uint8Array,
    })),
    anchorEvents: anchoring,
    onFatal,
  });
}
