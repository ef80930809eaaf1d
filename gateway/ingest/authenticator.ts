/** Whether a connection may go under the name it gives. */
import { bytesToHex } from '../../src/bytes.ts';
import {
  connectTokenFromPassword,
  decodeConnectToken,
  findConnectTokenFault,
} from '../../src/connect-token.ts';
import type { Clock, DeviceKey, EnrolledDevice, Logger, Registry } from '../ports.ts';
import { Challenges } from './challenges.ts';
import { RETURN_CODE } from './packet-rules.ts';
import type { Proof, Session } from './session.ts';

/** The settings mqtt.authentication and mqtt.token. */
export interface AuthenticationOptions {
  /** What a device must show. `none`: nothing but its name. */
  readonly policy: 'none' | 'token' | 'certificate' | 'token-or-certificate';
  /** Origin of the log: what tokens are made out to. */
  readonly audience: string;
  readonly tokenMaxSeconds: number;
  readonly tokenLeewaySeconds: number;
}

export interface AuthenticatorParts {
  readonly authentication: AuthenticationOptions;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly logger: Logger;
}

/** What a client brings to show that it is the device it names. */
export interface Credentials {
  readonly device: string;
  readonly password: Uint8Array | undefined;
  /** Devices that its certificate names; `invalid` when it has one that does not count, undefined when it has none. */
  readonly certified: readonly string[] | 'invalid' | undefined;
}

export type Authentication =
  | { readonly kind: 'ok'; readonly proof: Proof; readonly kid?: Uint8Array }
  | { readonly kind: 'refuse'; readonly detail: string; readonly returnCode: number };

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #challenges: Challenges;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#challenges = new Challenges(parts.monotonic);
  }

  /** Settles it at once: looking a device up and one native verification are all it takes. */
  check({ device, password, certified }: Credentials): Authentication {
    const { policy } = this.#parts.authentication;
    // A certificate that says something else than the client is never just overlooked.
    if (certified === 'invalid') return refuse('its certificate is not one that counts');
    if (certified !== undefined && !certified.includes(device))
      return refuse('its certificate names another device');
    const takesToken = policy === 'token' || policy === 'token-or-certificate';
    const takesCertificate = policy === 'certificate' || policy === 'token-or-certificate';
    const isCertified = takesCertificate && certified !== undefined;
    // The same answer whether or not the device is known: who asks for a challenge learns nothing by it.
    if (takesToken && !isCertified && password === undefined) return { kind: 'ok', proof: 'challenge' };
    const enrolled = this.#parts.registry.find(device);
    if (enrolled?.status === 'revoked') return refuse('the device has been revoked');
    if (policy === 'none') return { kind: 'ok', proof: 'name' };
    if (enrolled === undefined) return refuse('the device is not enrolled');
    if (isCertified) return { kind: 'ok', proof: 'certificate' };
    if (takesToken && password !== undefined) return this.#checkToken(enrolled, password);
    return refuse('it shows no certificate');
  }

  /** A challenge for a device that has no clock. */
  challenge(device: string): Uint8Array {
    return this.#challenges.make(device);
  }

  /** Whether a session that was let in still would be. */
  mayStay({ device, proof, kid }: Session): boolean {
    const enrolled = this.#parts.registry.find(device);
    if (enrolled?.status === 'revoked') return false;
    if (proof === 'name' || proof === 'challenge') return true;
    if (enrolled === undefined) return false;
    return kid === undefined || this.#isInUse(enrolled.key(kid));
  }

  #checkToken(device: EnrolledDevice, password: Uint8Array): Authentication {
    const bytes = connectTokenFromPassword(password); // attacker-controlled
    if (bytes === undefined) return refuse('the password is no token');
    const decoded = decodeConnectToken(bytes);
    if (decoded.kind === 'reject') return refuse(`the token is ${decoded.code}: ${decoded.detail}`);
    const token = decoded.value;
    const { authentication, clock } = this.#parts;
    const fault = findConnectTokenFault(token, {
      device: device.urn,
      audience: authentication.audience,
      now: clock.now() / 1000,
      leewaySeconds: authentication.tokenLeewaySeconds,
      maxSeconds: authentication.tokenMaxSeconds,
      isFresh: (challenge) => this.#challenges.isFresh(device.urn, challenge),
    });
    if (fault !== undefined) return refuse(`the token is of no use: ${fault}`);
    const key = device.key(token.kid);
    if (key === undefined || key.algorithm !== token.algorithm)
      return refuse('the key of the token is unknown');
    if (!this.#isInUse(key)) return refuse('the key of the token has been retired');
    if (!key.verify(token.signedBytes, token.signature))
      return refuse('the token is not signed with the key it names');
    this.#parts.logger.debug({ device: device.urn, cti: bytesToHex(token.cti) }, 'connected with a token');
    return { kind: 'ok', proof: 'token', kid: token.kid };
  }

  #isInUse(key: DeviceKey | undefined): boolean {
    return key !== undefined && (key.retiredAt === undefined || key.retiredAt > this.#parts.clock.now());
  }
}

/** One answer for every reason, so that none of them can be told from outside; the reason is for the log. */
function refuse(detail: string): Authentication {
  return { kind: 'refuse', detail, returnCode: RETURN_CODE.notAuthorised };
}
