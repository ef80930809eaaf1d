/**
 * The one schema of the gateway's configuration. docs/configuration.md and docs/configuration.schema.json are generated from
 * it; `attack` says what someone gains who can change the setting.
 */
import Type, { type Static } from 'typebox';
import { broker } from './config-schema/brokers.ts';
import { chain } from './config-schema/chain.ts';
import { provider } from './config-schema/delivery.ts';
import { access, http } from './config-schema/http.ts';
import { keys } from './config-schema/keys.ts';
import { limits } from './config-schema/limits.ts';
import { mqtt } from './config-schema/mqtt.ts';
import { policy } from './config-schema/policy.ts';
import { closed, count, seconds, text } from './config-schema/setting.ts';
import { timestamps, witness } from './config-schema/witnesses.ts';

export const GatewayConfigSchema = Type.Object(
  {
    origin: Type.String({
      pattern: '^[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*$',
      example: 'clinic.example/log',
      maxLength: 128,
      description:
        'Name of this log, a schema-less URL: origin line of its checkpoints, issuer of its receipts. Never change it.',
      attack: 'Receipts name another log.',
    }),
    checkpointEverySeconds: seconds({
      default: 60,
      description:
        'Cadence of checkpoints, and of anchors where a chain is configured. Fixed, so that its moments tell nothing of activity; the sizes tell how many statements came in between, unless checkpointPadding hides it.',
      attack: 'A cadence that follows activity would leak it.',
    }),
    checkpointPadding: count({
      default: 1,
      maximum: 4_096,
      description:
        'The size of every checkpoint is a multiple of this, made up with heartbeats of some 380 bytes each in the store. With more than ever come in one cadence, all steps look alike: the chain does not tell whether anyone wore a device. For a gateway of one household or a small ward.',
      attack: 'With 1, the anchored sizes tell how many statements came between two anchors.',
    }),
    dataDir: text({ description: 'Directory of the store; one gateway at a time.' }),
    keys,
    mqtt,
    brokers: Type.Array(broker, {
      default: [],
      description: 'Existing MQTT 5 brokers that statements are taken from as well.',
    }),
    http,
    chain: Type.Optional(chain),
    providers: Type.Array(provider, { default: [], description: 'Care providers that receive readings.' }),
    witnesses: Type.Array(witness, {
      default: [],
      maxItems: 32,
      description: 'Witnesses that are asked to cosign every checkpoint. Nothing waits for them.',
    }),
    timestamps: Type.Optional(timestamps),
    access: Type.Array(access, { default: [], description: 'Bearer tokens of the HTTP interface, by role.' }),
    limits,
    policy,
    logLevel: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      description: 'Least important log lines that are written, to standard error. No level holds a payload.',
    }),
  },
  closed,
);

export type GatewayConfig = Static<typeof GatewayConfigSchema>;
