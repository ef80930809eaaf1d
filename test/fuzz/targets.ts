/** Everything that `npm run fuzz` knows, by its name. */
import { eventProofFuzz } from './event-proofs.ts';
import { mqttFuzz } from './mqtt.ts';
import { signatureFuzz } from './signatures.ts';
import type { FuzzTarget } from './target.ts';

export const FUZZ_TARGETS: Readonly<Record<string, FuzzTarget>> = {
  'event-proofs': eventProofFuzz,
  mqtt: mqttFuzz,
  signatures: signatureFuzz,
};
