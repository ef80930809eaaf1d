/**
 * Watches the packet lengths in a byte stream of MQTT (MQTT 3.1.1 section 2.2) before anything buffers a packet. The broker
 * library takes packets of up to 256 MB into memory, from anyone who connects; this is what bounds them, one by one and together.
 */

/** Packets up to this length are not counted: that many bytes every connection may have. */
const SMALL_PACKET_BYTES = 4096;

/** Bytes that the unfinished packets of all connections may make the gateway hold. */
export class FrameBudget {
  #free: number;

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Whether there was room; the bytes are then taken until `give`. */
  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }
}

/** `oversize`: a packet announces more than may be read. `overloaded`: too many long packets are unfinished already. */
export type FrameVerdict = 'ok' | 'oversize' | 'overloaded';

/** One connection's stream. */
export class FrameGuard {
  readonly #maxPacketBytes: number;
  readonly #budget: FrameBudget;
  /** Bytes of the current packet's body still to come. */
  #skip = 0;
  /** What the current packet holds of the budget. */
  #held = 0;
  /** Bytes of the current fixed header seen so far: 0 before its first byte. */
  #headerBytes = 0;
  #length = 0;

  constructor(maxPacketBytes: number, budget: FrameBudget) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#budget = budget;
  }

  /** Follows one chunk. Anything but `ok` is for good: the connection must be closed unread. */
  scan(chunk: Uint8Array): FrameVerdict {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        if (this.#skip === 0) this.release();
        continue;
      }
      const verdict = this.#header(chunk[at] as number);
      if (verdict !== 'ok') return verdict;
      at += 1;
    }
    return 'ok';
  }

  /** Gives back what an unfinished packet holds. Called when the connection has closed. */
  release(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
  }

  #header(byte: number): FrameVerdict {
    this.#headerBytes += 1;
    if (this.#headerBytes === 1) {
      this.#length = 0;
      return 'ok';
    }
    const place = this.#headerBytes - 2;
    if (place > 3) return 'oversize';
    this.#length += (byte & 0x7f) * 128 ** place;
    if (this.#length > this.#maxPacketBytes) return 'oversize';
    if ((byte & 0x80) !== 0) return 'ok';
    this.#headerBytes = 0;
    this.#skip = this.#length;
    if (this.#length <= SMALL_PACKET_BYTES) return 'ok';
    if (!this.#budget.take(this.#length)) return 'overloaded';
    this.#held = this.#length;
    return 'ok';
  }
}
