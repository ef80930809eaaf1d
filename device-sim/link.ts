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

/** How to reach the broker and as whom. */
export interface LinkOptions {
  /** mqtt://host:port or mqtts://host:port. */
  readonly url: string;
  /** User name, and client id unless another is given. */
  readonly urn: string;
  readonly clientId?: string;
  readonly password?: string;
}

/** What a link tells its device. */
export interface LinkListener {
  onConnect(): void;
  onDisconnect(): void;
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
