/** Passwords for a device's connections: tokens signed with its key (docs/protocol.md, "Connecting"). */
import { randomBytes } from 'node:crypto';
import { signConnectToken } from '../src/connect-token.ts';
import type { LinkOptions, TokenOptions } from './link.ts';
import type { DeviceStore } from './state/device-store.ts';

/** How long a token of a device with a clock is valid. */
const TOKEN_SECONDS = 300;

export function connectPasswords(
  { identity, signer }: DeviceStore,
  { audience, freshness }: TokenOptions,
): NonNullable<LinkOptions['password']> {
  return async (challenge) => {
    const now = Math.floor(Date.now() / 1000);
    return signConnectToken(
      {
        device: identity.urn,
        audience,
        cti: Uint8Array.from(randomBytes(16)),
        freshness:
          freshness === 'challenge'
            ? { kind: 'challenge', challenge: await challenge() }
            : { kind: 'clock', issuedAt: now, expiresAt: now + TOKEN_SECONDS },
      },
      signer,
    );
  };
}
