/** A device's connection to a broker, as the device sees it. */

/** The topics of docs/protocol.md, "Topics", from the device's side. */
export const BEACON_TOPIC = 'wearables/beacon';

export function statementsTopic(urn: string): string {
  return `wearables/${urn}/statements`;
}

export function acksTopic(urn: string): string {
  return `wearables/${urn}/acks`;
}

export function requestsTopic(urn: string): string {
  return `wearables/${urn}/requests`;
}

export function challengeTopic(urn: string): string {
  return `wearables/${urn}/challenge`;
}

/** PEM texts for mqtts://. */
export interface LinkTls {
  /** Authorities that the broker's certificate may come from; without it those that Node trusts. */
  readonly ca?: string;
  /** The device's own certificate and key. */
  readonly cert?: string;
  readonly key?: string;
}

/** How a device shows who it is, beside a certificate. */
export interface TokenOptions {
  /** Origin of the gateway's log. */
  readonly audience: string;
  /** Whether the device has a clock, or asks for a challenge. */
  readonly freshness: 'clock' | 'challenge';
}

/** What goes with every connection to a broker. */
export interface LinkSecurity {
  readonly tls?: LinkTls;
  readonly token?: TokenOptions;
}

/** How to reach the broker and as whom. */
export interface LinkOptions {
  /** mqtt://host:port or mqtts://host:port. */
  readonly url: string;
  /** User name, and client id unless another is given. */
  readonly urn: string;
  readonly clientId?: string;
  readonly tls?: LinkTls;
  /** Makes the password of the next connection; `challenge` asks the gateway for one. */
  readonly password?: (challenge: () => Promise<Uint8Array>) => Promise<Uint8Array>;
}

/** What a link tells its device. */
export interface LinkListener {
  onConnect(): void;
  onDisconnect(): void;
  /** Why there is no connection, in words for people. Told at every failed attempt. */
  onTrouble(reason: string): void;
  onMessage(topic: string, payload: Uint8Array): void;
}

/** A connection that comes back by itself. Subscribed to the device's acks, its requests and the beacon. */
export interface Link {
  /**
   * Publishes with QoS 1. Resolves at the PUBACK, however many connections later: what was not acknowledged is sent
   * again after each reconnection. Rejects only when the link is closed.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /** Drops the connection at once; publications under way reject. */
  close(): Promise<void>;
}

/** Opens a link; the seam at which tests may put a broker of their own. */
export type OpenLink = (options: LinkOptions, listener: LinkListener) => Link;
