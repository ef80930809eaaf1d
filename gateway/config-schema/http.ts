/** The HTTP interface, and who may ask it what. */
import Type from 'typebox';
import { closed, NAME, port, text } from './setting.ts';

export const http = Type.Object(
  {
    host: text({
      default: '127.0.0.1',
      description: 'Address of the HTTP interface.',
      attack: 'Opens the interface to other networks; put TLS in front.',
    }),
    port: port({ default: 8480, description: 'Port of the HTTP interface; 0 picks a free one.' }),
  },
  { ...closed, default: {} },
);

export const access = Type.Object(
  {
    name: Type.String({
      pattern: NAME,
      example: 'night-nurse',
      description: 'For logs: who this token belongs to.',
    }),
    role: Type.Enum(['admin', 'auditor', 'provider', 'patient'], {
      description:
        'admin: everything; auditor: status and every receipt; provider and patient: receipts of their own subject.',
      attack: 'Receipts hold readings: a wider role shows more of them.',
    }),
    subject: Type.Optional(
      Type.String({
        pattern: NAME,
        example: 'clinic-1',
        description: 'The provider id or patient pseudonym; required for these two roles.',
      }),
    ),
    tokenSha256: Type.String({
      pattern: '^[0-9a-f]{64}$',
      example: 'what `printf %s TOKEN | sha256sum` prints',
      description: 'SHA-256 of the bearer token, in hex. The token itself is kept nowhere here.',
    }),
  },
  closed,
);
