/** What the broker knows of a device that is connected. */
import type { Verdict } from '../ports.ts';
import type { RefusalMeter } from './refusal-meter.ts';

/** How a connection showed to be its device's: by nothing but the name, by a token, by a certificate. `challenge`: not yet. */
export type Proof = 'name' | 'token' | 'certificate' | 'challenge';

export interface Session {
  readonly device: string;
  /** As the device gave it; empty when it gave none. */
  readonly clientId: string;
  readonly proof: Proof;
  /** The key that signed the token. */
  readonly kid: Uint8Array | undefined;
  readonly refusals: RefusalMeter;
  /** What it subscribed to, with the quality of service it asked for. */
  readonly subscriptions: Map<string, number>;
}

/** Why a verdict costs the connection, if it does. */
export function faultOf(
  verdict: Verdict,
  session: Session,
): 'unknown-device' | 'oversize' | 'flood' | undefined {
  if (verdict.kind !== 'reject') return undefined;
  if (verdict.code === 'unknown-device' || verdict.code === 'oversize') return verdict.code;
  if (verdict.code === 'suspended-device') return undefined; // an honest device sends them, and they are bounded
  return session.refusals.note() ? 'flood' : undefined;
}
