/** The embedded broker over TLS. */
import Type from 'typebox';
import { closed, port, text } from './setting.ts';

export const mqttTls = Type.Object(
  {
    host: text({
      default: '127.0.0.1',
      description: 'Address the broker listens on with TLS.',
      attack: 'Opens the broker to other networks.',
    }),
    port: port({ default: 8883, description: 'Port of the broker with TLS; 0 picks a free one.' }),
    certFile: text({
      description:
        'PEM file with the certificate of the server and its intermediates. Read again when it changes, without a restart.',
      attack: 'With a certificate that devices trust, another can stand in for the gateway.',
    }),
    keyFile: text({
      description:
        'PEM file with the unencrypted private key of the certificate. Read again when it changes.',
      attack: 'With this file another can stand in for the gateway, and read what devices send it.',
    }),
    clientCaFile: Type.Optional(
      text({
        description:
          'PEM file with the authorities whose client certificates count. Read again when it changes.',
        attack: 'Whoever adds an authority can make certificates for every device.',
      }),
    ),
    clientCertificate: Type.Enum(['none', 'optional', 'required'], {
      default: 'none',
      description:
        'Whether clients are asked for a certificate, and whether those without a good one are sent away in the handshake. It must name the device as a URI among its subject alternative names.',
      attack: 'Less than `required`: whoever reaches the port gets to say CONNECT.',
    }),
  },
  closed,
);
