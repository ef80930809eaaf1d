/** The limits of connections as docs/configuration.md has them by default. */
import Value from 'typebox/value';
import { type GatewayConfig, GatewayConfigSchema } from '../config-schema.ts';

export const DEFAULT_LIMITS = (
  Value.Default(GatewayConfigSchema.properties.mqtt, {}) as GatewayConfig['mqtt']
).limits;
