/** Care providers that receive readings. */
import Type from 'typebox';
import { closed, NAME } from './setting.ts';

export const provider = Type.Object(
  {
    id: Type.String({
      pattern: NAME,
      example: 'clinic-1',
      description: 'Name of the provider, as used at enrolment.',
    }),
    url: Type.String({
      pattern: '^https?://',
      example: 'https://clinic.example/vitalseal',
      description: 'Where deliveries are posted.',
      attack: 'Sealed deliveries go elsewhere; without the sealing key they cannot be read.',
    }),
    sealingKey: Type.String({
      pattern: '^[A-Za-z0-9+/]{43}=$',
      example: 'the 44 characters that `vitalseal provider init` prints',
      description: 'X25519 public key of the provider, base64: deliveries are sealed to it.',
      attack: 'Deliveries can be read by whoever holds the matching secret.',
    }),
  },
  closed,
);
