/** Whether a connection may go under the name it gives. */
import type { Clock, Registry } from '../ports.ts';
import { RETURN_CODE } from './packet-rules.ts';
import type { Proof, Session } from './session.ts';

/** What mqtt.authentication asks for. */
export type AuthenticationPolicy = 'none';

export interface AuthenticatorOptions {
  readonly policy: AuthenticationPolicy;
  readonly registry: Registry;
  readonly clock: Clock;
}

/** What a client brings to show that it is the device it names. */
export interface Credentials {
  readonly device: string;
  readonly password: Uint8Array | undefined;
}

export type Authentication =
  | { readonly kind: 'ok'; readonly proof: Proof; readonly kid?: Uint8Array }
  | { readonly kind: 'refuse'; readonly detail: string; readonly returnCode: number };

export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  check({ device }: Credentials): Authentication {
    if (this.#options.registry.find(device)?.status === 'revoked') {
      return { kind: 'refuse', detail: 'the device has been revoked', returnCode: RETURN_CODE.notAuthorised };
    }
    return { kind: 'ok', proof: 'name' };
  }

  /** Whether a session that was let in still would be. */
  mayStay({ device }: Session): boolean {
    return this.#options.registry.find(device)?.status !== 'revoked';
  }
}
