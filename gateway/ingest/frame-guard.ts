/**
 * Watches the packet lengths in a byte stream of MQTT (MQTT 3.1.1 section 2.2) before anything buffers a packet. The broker
 * library takes packets of up to 256 MB into memory; this is what bounds them.
 */
export class FrameGuard {
  readonly #maxPacketBytes: number;
  /** Bytes of the current packet's body still to come. */
  #skip = 0;
  /** Bytes of the current fixed header seen so far: 0 before its first byte. */
  #headerBytes = 0;
  #length = 0;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Follows one chunk. False once a packet announces more than the limit, or a length of more than four bytes. */
  scan(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      if (!this.#header(chunk[at] as number)) return false;
      at += 1;
    }
    return true;
  }

  #header(byte: number): boolean {
    this.#headerBytes += 1;
    if (this.#headerBytes === 1) {
      this.#length = 0;
      return true;
    }
    const place = this.#headerBytes - 2;
    if (place > 3) return false;
    this.#length += (byte & 0x7f) * 128 ** place;
    if (this.#length > this.#maxPacketBytes) return false;
    if ((byte & 0x80) === 0) {
      this.#skip = this.#length;
      this.#headerBytes = 0;
    }
    return true;
  }
}
