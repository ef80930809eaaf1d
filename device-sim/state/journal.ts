/**
 * An append-only file of statements. A statement is in it, fsynced, before anybody can hear of it; so whatever was
 * sent can be sent again with the same bytes, and the counter is simply the length of the file.
 *
 * Frame: length (uint32, little-endian), CRC-32 of the content (uint32, little-endian), content.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './atomic-file.ts';

const HEADER_BYTES = 8;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

interface Frame {
  readonly offset: number;
  readonly length: number;
}

/** One journal, open for appending. */
export class Journal {
  readonly #handle: FileHandle;
  readonly #frames: Frame[];
  #end: number;
  /** Whether frames were found that can no longer be read. Those before them can. */
  readonly damaged: boolean;

  private constructor(handle: FileHandle, frames: Frame[], end: number, damaged: boolean) {
    this.#handle = handle;
    this.#frames = frames;
    this.#end = end;
    this.damaged = damaged;
  }

  /** Opens a journal, creating an empty one where there is none. */
  static async open(file: string): Promise<Journal> {
    const handle = await open(file, 'a+', 0o600);
    await syncFolder(dirname(file));
    const { frames, end, damaged } = await scan(handle);
    // Half a frame is an append that a crash cut short. Nothing of it was sent, so its number is free again.
    if (!damaged) await handle.truncate(end);
    return new Journal(handle, frames, end, damaged);
  }

  /** Number of frames. */
  get length(): number {
    return this.#frames.length;
  }

  /** Adds a frame and returns once it is durable. Not to be called again before it has returned. */
  async append(content: Uint8Array): Promise<void> {
    if (this.damaged) throw new Error('the journal is damaged; it can be read but not continued');
    if (content.length > MAX_FRAME_BYTES)
      throw new RangeError(`content: longer than ${MAX_FRAME_BYTES} bytes`);
    const frame = Buffer.alloc(HEADER_BYTES + content.length);
    frame.writeUInt32LE(content.length, 0);
    frame.writeUInt32LE(crc32(content), 4);
    frame.set(content, HEADER_BYTES);
    try {
      await this.#handle.appendFile(frame);
      await this.#handle.datasync();
    } catch (error) {
      // A full disk may have taken half a frame, after which no further one could be found again.
      await this.#handle.truncate(this.#end);
      throw error;
    }
    this.#frames.push({ offset: this.#end + HEADER_BYTES, length: content.length });
    this.#end += frame.length;
  }

  /** The content of one frame. Throws RangeError when there is no frame `index`. */
  async read(index: number): Promise<Uint8Array> {
    const frame = this.#frames[index];
    if (frame === undefined) throw new RangeError(`index: no frame ${index}`);
    return readAt(this.#handle, frame.offset, frame.length);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function scan(handle: FileHandle): Promise<{ frames: Frame[]; end: number; damaged: boolean }> {
  const { size } = await handle.stat();
  const frames: Frame[] = [];
  let end = 0;
  while (size - end >= HEADER_BYTES) {
    const header = Buffer.from(await readAt(handle, end, HEADER_BYTES));
    const length = header.readUInt32LE(0);
    if (length > MAX_FRAME_BYTES) return { frames, end, damaged: true };
    if (length > size - end - HEADER_BYTES) break;
    const content = await readAt(handle, end + HEADER_BYTES, length);
    // A whole frame with a wrong sum may well have been sent: its number must never be used again.
    if (crc32(content) !== header.readUInt32LE(4)) return { frames, end, damaged: true };
    frames.push({ offset: end + HEADER_BYTES, length });
    end += HEADER_BYTES + length;
  }
  return { frames, end, damaged: false };
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  if (bytesRead !== length) throw new Error('the journal became shorter while it was open');
  return bytes;
}
