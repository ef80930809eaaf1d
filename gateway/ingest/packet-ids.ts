/**
 * The packet ids of one connection (MQTT 3.1.1 section 2.3.1): which of the client's messages of QoS 2 are open, and which
 * messages to it wait for their PUBACK.
 */
import { PACKET } from './packet-rules.ts';

/** Inbound messages of QoS 2 whose PUBREL has not come. MQTT 3.1.1 cannot tell a client of a window, so it must be wide. */
const QOS_2_OPEN_MAX = 1000;
/**
 * PUBRELs nobody waits for. A client whose connection broke between PUBREC and PUBCOMP must send its PUBREL again on the next
 * one [MQTT-4.4.0-1], where this gateway keeps no session to know it by: without some patience it would be locked out for good.
 */
const STRAY_PUBRELS_MAX = 1000;

/** Faults are told in words for the log; undefined: none. */
export class PacketIds {
  /** Of the client's messages of QoS 2 whose PUBREL has not come. */
  readonly #qos2 = new Set<number>();
  #strayPubrels = 0;
  /** Of messages to the client that it has not acknowledged. */
  readonly #outbound = new Set<number>();
  #lastOutbound = 0;

  /** An id for a message to the client; undefined while it leaves `max` of them unanswered. */
  next(max: number): number | undefined {
    if (this.#outbound.size >= max) return undefined;
    do {
      this.#lastOutbound = (this.#lastOutbound % 0xffff) + 1;
    } while (this.#outbound.has(this.#lastOutbound));
    this.#outbound.add(this.#lastOutbound);
    return this.#lastOutbound;
  }

  /** What is wrong with the id of a PUBLISH of QoS 1 or 2. */
  publishFault(qos: number, id: number): string | undefined {
    if (id === 0) return 'packet id 0'; // [MQTT-2.3.1-1]
    if (qos === 2 && this.#qos2.add(id).size > QOS_2_OPEN_MAX)
      return 'too many messages of QoS 2 without their PUBREL';
    return undefined;
  }

  /** What is wrong with an acknowledgement of this type. */
  acknowledgementFault(type: number, id: number): string | undefined {
    if (id === 0) return 'packet id 0';
    if (type === PACKET.puback) {
      return this.#outbound.delete(id) ? undefined : 'a PUBACK of nothing that was sent';
    }
    // The gateway sends nothing with QoS 2, so nobody has a PUBREC or PUBCOMP to send.
    if (type !== PACKET.pubrel) return 'a PUBREC or PUBCOMP of nothing that was sent';
    if (this.#qos2.delete(id)) return undefined;
    this.#strayPubrels += 1;
    return this.#strayPubrels > STRAY_PUBRELS_MAX
      ? 'too many PUBRELs of nothing that was received'
      : undefined;
  }
}
