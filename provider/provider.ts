/** Puts the provider's parts together: inbox, receiver, server. */
import type { ProviderConfig } from './config.ts';
import { openInboxDatabase } from './database.ts';
import { Inbox } from './inbox.ts';
import { createOpener } from './open.ts';
import { type ChainChecker, checkAnchors } from './receipts.ts';
import { Receiver } from './receiver.ts';
import { type DeliveryServer, startDeliveryServer } from './server.ts';

export interface ProviderParts {
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
  /** Compares anchors with a chain; without it, proofs stay `included`. */
  readonly chain?: ChainChecker;
  /** Told of failures of ours: the store's, the chain's. */
  readonly onError?: (error: unknown) => void;
}

/** A provider that is listening. */
export class Provider {
  readonly inbox: Inbox;
  readonly #server: DeliveryServer;
  readonly #chain: ChainChecker | undefined;

  constructor(inbox: Inbox, server: DeliveryServer, chain: ChainChecker | undefined) {
    this.inbox = inbox;
    this.#server = server;
    this.#chain = chain;
  }

  /** Where the gateway must post. */
  get url(): string {
    return this.#server.url;
  }

  get port(): number {
    return this.#server.port;
  }

  /** Compares every anchor not settled yet with the chain, when there is one. Gives how many were settled. */
  async checkAnchors(): Promise<number> {
    return this.#chain === undefined ? 0 : checkAnchors(this.inbox, this.#chain);
  }

  /** Lets what is under way finish, then closes the store. */
  async close(): Promise<void> {
    await this.#server.close();
    this.inbox.close();
  }
}

/** Opens the store and listens. Rejects with the system's error when either cannot be had. */
export async function startProvider(config: ProviderConfig, parts: ProviderParts = {}): Promise<Provider> {
  const { now = Date.now, chain, onError = () => {} } = parts;
  const inbox = new Inbox(openInboxDatabase(config.dataDir));
  try {
    const open = await createOpener(config.sealingKey);
    const { provider, trust, webhookKeys, host, port } = config;
    const receiver = new Receiver({ inbox, open, provider, trust, webhookKeys, now });
    const server = await startDeliveryServer({
      host,
      port,
      receive: (headers, body) => receiver.receive(headers, body),
      isHealthy: () => isReadable(inbox),
      onError,
    });
    return new Provider(inbox, server, chain);
  } catch (error) {
    inbox.close();
    throw error;
  }
}

function isReadable(inbox: Inbox): boolean {
  try {
    inbox.statements({ limit: 1 });
    return true;
  } catch {
    return false;
  }
}
