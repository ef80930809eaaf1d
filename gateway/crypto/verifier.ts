/**
 * Who verifies what: the fastest library of this machine that has the acceptance rule of docs/protocol.md.
 *
 * Each is asked once, when this module is loaded, on signatures that libraries disagree on (signature-self-test.ts). One that
 * cannot be loaded or answers otherwise is passed over for the next. The last is the reference itself.
 */
import type { Algorithm } from '../../src/cose/algorithm.ts';
import type { PublicKey } from '../../src/cose/key.ts';
import type { Logger } from '../ports.ts';
import { NOBLE_BACKEND } from './noble-backend.ts';
import { OPENSSL_BACKEND } from './openssl-backend.ts';
import type { NativeKey, SignatureBackend } from './signature-backend.ts';
import { findFault } from './signature-self-test.ts';
import { loadSodiumBackend } from './sodium-backend.ts';

export type { NativeKey } from './signature-backend.ts';

/** A library that an algorithm cannot use here, and why. */
export interface PassedOver {
  readonly name: SignatureBackend['name'];
  readonly reason: string;
}

/** The outcome of the choice for one algorithm. */
export interface ChosenBackend {
  readonly backend: Pick<SignatureBackend, 'name' | 'prepare'>;
  /** The faster ones before it. */
  readonly passedOver: readonly PassedOver[];
}

/** A candidate, or what it would have been called and why it is not there. */
export type Candidate<A extends Algorithm> = SignatureBackend<A> | PassedOver;

/**
 * The first of the candidates that can be used for the algorithm.
 *
 * @throws {Error} when none can: nothing may be taken in then.
 */
export function chooseBackend<A extends Algorithm>(
  algorithm: A,
  candidates: readonly Candidate<A>[],
): { readonly backend: SignatureBackend<A>; readonly passedOver: readonly PassedOver[] } {
  const passedOver: PassedOver[] = [];
  for (const candidate of candidates) {
    const reason = 'reason' in candidate ? candidate.reason : findFault(algorithm, candidate);
    if (reason === undefined) return { backend: candidate as SignatureBackend<A>, passedOver };
    passedOver.push({ name: candidate.name, reason });
  }
  const reasons = passedOver.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new Error(`no library on this machine verifies ${algorithm} by the rule (${reasons})`);
}

const sodium = await loadSodiumBackend();
const ed25519 = chooseBackend('Ed25519', [
  sodium instanceof Error ? { name: 'libsodium', reason: sodium.message } : sodium,
  OPENSSL_BACKEND,
  NOBLE_BACKEND,
]);
const ecdsa = (algorithm: 'ESP256' | 'ES256K') => chooseBackend(algorithm, [OPENSSL_BACKEND, NOBLE_BACKEND]);

/** What {@link prepareKey} uses in this process, for the log line at start. */
export const CHOSEN_BACKENDS: Readonly<Record<Algorithm, ChosenBackend>> = {
  // A record by algorithm: each backend is asked for its own only.
  Ed25519: ed25519 as ChosenBackend,
  ESP256: ecdsa('ESP256'),
  ES256K: ecdsa('ES256K'),
};

/** Says at start which library verifies what, and warns of each that the machine could have had: the next is slower. */
export function reportBackends(logger: Logger): void {
  const names = Object.entries(CHOSEN_BACKENDS).map(([algorithm, { backend }]) => [algorithm, backend.name]);
  logger.info(Object.fromEntries(names), 'signatures are verified by');
  for (const [algorithm, { backend, passedOver }] of Object.entries(CHOSEN_BACKENDS)) {
    for (const { name, reason } of passedOver)
      logger.warn(
        { algorithm, passedOver: name, reason, used: backend.name },
        'signature library passed over',
      );
  }
}

/**
 * Prepares a key that has passed enrolment, for as many verifications as come. It holds a copy of the bytes: some 2 kB for
 * ECDSA, 32 bytes and a Buffer for Ed25519.
 */
export function prepareKey(key: PublicKey): NativeKey {
  return CHOSEN_BACKENDS[key.algorithm].backend.prepare(key.algorithm, key.bytes);
}
