/** Everything that `npm run fuzz` knows, by its name. */
import { contractFuzz } from './contract.ts';
import { contractMutantsFuzz } from './contract-mutants.ts';
import { eventProofFuzz } from './event-proofs.ts';
import { mqttFuzz } from './mqtt.ts';
import { signatureFuzz } from './signatures.ts';
import type { FuzzTarget } from './target.ts';

export const FUZZ_TARGETS: Readonly<Record<string, FuzzTarget>> = {
  contract: contractFuzz,
  'contract-mutants': contractMutantsFuzz,
  'event-proofs': eventProofFuzz,
  mqtt: mqttFuzz,
  signatures: signatureFuzz,
};
