/**
 * Where the broker library keeps inbound messages of QoS 2 from PUBLISH to PUBREL. Its own store goes by client id and forgets a
 * client only when the same id connects again, which here none does: each connection has an id of its own, so every connection
 * that used QoS 2 would leave something behind for good. This one goes by the client itself and ends with it.
 */

/** As much of a packet as the store looks at. */
interface Numbered {
  readonly messageId?: number | undefined;
}

/** The part of the library's persistence that this replaces. */
export interface IncomingStore {
  incomingStorePacket(client: object, packet: Numbered): Promise<void>;
  incomingGetPacket(client: object, packet: Numbered): Promise<Numbered>;
  incomingDelPacket(client: object, packet: Numbered): Promise<void>;
  cleanIncoming(client: object): Promise<void>;
}

/** Rejects, as the library expects it, when it has no such packet. */
export function openMessages(): IncomingStore {
  const clients = new WeakMap<object, Map<number | undefined, Numbered>>();
  const held = (client: object, packet: Numbered): Numbered => {
    const found = clients.get(client)?.get(packet.messageId);
    if (found === undefined) throw new Error('no such packet');
    return found;
  };
  return {
    async incomingStorePacket(client, packet) {
      const open = clients.get(client) ?? new Map<number | undefined, Numbered>();
      clients.set(client, open.set(packet.messageId, packet));
    },
    async incomingGetPacket(client, packet) {
      return held(client, packet);
    },
    async incomingDelPacket(client, packet) {
      held(client, packet);
      clients.get(client)?.delete(packet.messageId);
    },
    async cleanIncoming(client) {
      clients.delete(client);
    },
  };
}
