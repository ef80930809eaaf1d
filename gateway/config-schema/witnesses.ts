/** Who sees checkpoints beside the chain: witnesses, and a second clock. */
import Type from 'typebox';
import { closed } from './setting.ts';

export const witness = Type.Object(
  {
    key: Type.String({
      pattern: '^[^+]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]+={0,2}$',
      example: 'the key that `vitalseal witness init` prints',
      description:
        'Verifier key of the witness: its name, the id and the Ed25519 key (C2SP signed-note, type 4).',
      attack: 'Checkpoints carry the cosignatures of another witness, which need not refuse a fork.',
    }),
    url: Type.String({
      pattern: '^https?://[^@]+$',
      example: 'https://witness.example/w1',
      description: 'Submission prefix of the witness (C2SP tlog-witness). Without credentials.',
      attack: 'Checkpoints are shown to another; without the witness’s key it can cosign none.',
    }),
  },
  closed,
);

export const timestamps = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^@]+$',
      example: 'https://tsa.example.org/tsr',
      description: 'A timestamping authority (RFC 3161 over HTTP). Without credentials.',
      attack: 'Another can refuse timestamps, or give such as no verifier accepts.',
    }),
    everySeconds: Type.Number({
      default: 3_600,
      minimum: 1,
      maximum: 86_400,
      description:
        'At most one checkpoint in so many seconds is stamped, the newest one, and one after each start.',
    }),
    policy: Type.Optional(
      Type.String({
        pattern: '^[0-2](?:\\.(?:0|[1-9][0-9]{0,8})){1,20}$',
        example: '1.2.3.4.1',
        description: 'Object identifier of the policy that tokens must be made under; without it, any.',
      }),
    ),
  },
  closed,
);
