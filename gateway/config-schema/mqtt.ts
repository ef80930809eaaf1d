/** The embedded MQTT broker. */
import Type from 'typebox';
import { mqttLimits } from './mqtt-limits.ts';
import { mqttTls } from './mqtt-tls.ts';
import { closed, count, port, text } from './setting.ts';

const mqttToken = Type.Object(
  {
    maxSeconds: count({
      default: 600,
      maximum: 86_400,
      description: 'Longest validity of a token, in seconds; one made out for longer is refused.',
      attack: 'A high value lets a token that was overheard be used for longer.',
    }),
    leewaySeconds: count({
      default: 300,
      minimum: 0,
      maximum: 86_400,
      description: 'How far the clock of a device may be off, in seconds.',
      attack: 'As for mqtt.token.maxSeconds.',
    }),
  },
  { ...closed, default: {} },
);

export const mqtt = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Whether the embedded MQTT broker runs. Without it statements come through `brokers` alone.',
      attack: 'Off: devices that know only this broker are not heard.',
    }),
    host: text({
      default: '127.0.0.1',
      description: 'Address the embedded MQTT broker listens on.',
      attack: 'Opens the broker to other networks.',
    }),
    port: port({ default: 1883, description: 'Port of the embedded MQTT broker; 0 picks a free one.' }),
    plain: Type.Boolean({
      default: true,
      description:
        'Listen without TLS, on mqtt.host and mqtt.port. For this machine or a network that is trusted.',
      attack: 'On an open network, readings can be read on the way, and connections taken over.',
    }),
    tls: Type.Optional(mqttTls),
    authentication: Type.Enum(['none', 'token', 'certificate', 'token-or-certificate'], {
      default: 'none',
      description:
        'What a device must show to connect under its name: nothing; a token signed with its enrolled key; a client certificate. No statement gets in without the device’s signature in any case.',
      attack:
        'With `none`, whoever reaches the broker and knows a device’s name can hear its acknowledgements and have it shut out.',
    }),
    token: mqttToken,
    maxConnections: count({
      default: 10_000,
      maximum: 1_000_000,
      description: 'Connections at once; more are refused.',
      attack: 'A high value lets a flood of connections take the memory.',
    }),
    maxStatementBytes: count({
      default: 262_144,
      minimum: 1024,
      maximum: 16_777_216,
      description: 'Longest statement taken, in bytes; a longer one is `oversize`.',
      attack: 'A high value lets one device take the memory.',
    }),
    limits: mqttLimits,
  },
  { ...closed, default: {} },
);
