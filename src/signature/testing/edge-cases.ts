/**
 * The generated corpus: what libraries disagree on, for all three algorithms, each case with the answer of the acceptance
 * rule. Deterministic. Published as docs/vectors/signatures.json.
 */
import { ecdsaCases } from './ecdsa-cases.ts';
import { ed25519Cases } from './ed25519-cases.ts';
import type { SignatureCase } from './signature-case.ts';

let made: readonly SignatureCase[] | undefined;

/** All cases, made once: some seconds of point arithmetic. */
export function edgeCases(): readonly SignatureCase[] {
  made ??= [...ed25519Cases(), ...ecdsaCases('ESP256'), ...ecdsaCases('ES256K')];
  return made;
}
