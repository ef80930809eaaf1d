/** Every table of the gateway, in the order they are made. */
import { ANCHORS_SCHEMA } from './anchors.ts';
import { DELIVERIES_SCHEMA } from './deliveries.ts';
import { LOG_SCHEMA } from './log-store.ts';
import { QUARANTINE_SCHEMA } from './quarantine-store.ts';
import { REGISTRY_SCHEMA } from './registry-schema.ts';
import { SEQUENCE_INDEX_SCHEMA } from './sequence-index.ts';
import { SEQUENCE_SCHEMA } from './sequence-store.ts';
import { TIMESTAMPS_SCHEMA } from './timestamps.ts';

export const GATEWAY_SCHEMAS: readonly string[] = [
  REGISTRY_SCHEMA,
  LOG_SCHEMA,
  SEQUENCE_INDEX_SCHEMA,
  SEQUENCE_SCHEMA,
  QUARANTINE_SCHEMA,
  ANCHORS_SCHEMA,
  TIMESTAMPS_SCHEMA,
  DELIVERIES_SCHEMA,
];
