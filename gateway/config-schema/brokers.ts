/** Existing MQTT 5 brokers that statements are taken from as well. */
import Type, { type Static } from 'typebox';
import { closed, count, NAME, text } from './setting.ts';

/** The gateway looks for as many sessions at its start, so that none that it left is forgotten. */
export const CONNECTIONS_MAX = 16;

export const broker = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'Name of the broker in logs, metrics and status.' }),
    url: Type.String({
      pattern: '^mqtts?://[^@]+$',
      description:
        'An existing MQTT 5 broker: `mqtt://host:port`, or `mqtts://host:port` for TLS. Without credentials.',
      attack:
        'Statements and answers come from and go to another broker: it can hold back, repeat and read them, not forge them.',
    }),
    username: Type.Optional(text({ description: 'User name at the broker.' })),
    passwordFile: Type.Optional(
      text({
        description: 'File with the password; read at each connection.',
        attack:
          'With the password statements can be taken out of the broker and answers sent in the gateway’s name.',
      }),
    ),
    caFile: Type.Optional(
      text({
        description:
          'PEM file with the certificate authorities that may vouch for the broker; without it those Node trusts.',
        attack: 'Another broker can pass for this one.',
      }),
    ),
    certFile: Type.Optional(
      text({ description: 'PEM file with the gateway’s certificate, for mutual TLS.' }),
    ),
    keyFile: Type.Optional(
      text({
        description: 'PEM file with the private key of that certificate.',
        attack: 'With both files someone else can connect as the gateway.',
      }),
    ),
    group: Type.String({
      pattern: NAME,
      default: 'vitalseal',
      description:
        'Share name of the subscription, and part of the client ids `vitalseal-GROUP-1`, `-2` ... One gateway alone may use it.',
      attack: 'Two gateways in one group take statements from each other.',
    }),
    connections: count({
      default: 1,
      maximum: CONNECTIONS_MAX,
      description:
        'Connections that share the subscription. One is as fast as several, and keeps the order; more help where the broker limits each connection.',
    }),
    receiveMaximum: count({
      default: 1_000,
      maximum: 65_535,
      description: 'Statements that each connection has in flight, unacknowledged.',
      attack: 'A high value lets statements that wait for the disk take the memory.',
    }),
    sessionExpirySeconds: count({
      default: 2_592_000,
      maximum: 4_294_967_295,
      description:
        'How long the broker keeps what comes while the gateway is away; 4294967295 is for ever. The broker may allow less.',
      attack: 'A low value lets a short outage of the gateway lose what the broker gathered.',
    }),
    answers: Type.Boolean({
      default: true,
      description:
        'Whether each device is told on its acks topic what became of each statement. Devices that keep a statement until then need it.',
      attack: 'Off: such devices send the same again and again, and never forget.',
    }),
  },
  closed,
);

export type BrokerConfig = Static<typeof broker>;
