/** Receipts out of what is committed: path, root, the log's signature, and the best anchor there is. */
import type { Anchor } from '../../src/receipt/anchor.ts';
import { withTimestamp } from '../../src/receipt/envelope.ts';
import { signReceipt } from '../../src/receipt/receipt.ts';
import { attachReceipt } from '../../src/receipt/transparent-statement.ts';
import type { Signer } from '../../src/signature.ts';
import { ok, reject } from '../../src/verdict.ts';
import type {
  AnchorState,
  AnchorStore,
  LogEntry,
  LogReader,
  ReceiptMaker,
  TimestampStore,
} from '../ports.ts';

export interface ReceiptParts {
  readonly origin: string;
  readonly signer: Signer;
  readonly log: LogReader;
  readonly anchors: AnchorStore;
  readonly timestamps: TimestampStore;
}

/** The tree a receipt is made for, and what anchors it. */
interface Citation {
  readonly size: number;
  readonly root: Uint8Array;
  readonly state: AnchorState;
  readonly anchor?: Anchor;
}

export class LogReceipts implements ReceiptMaker {
  readonly #parts: ReceiptParts;

  constructor(parts: ReceiptParts) {
    this.#parts = parts;
  }

  async make(index: number): ReturnType<ReceiptMaker['make']> {
    const { log } = this.#parts;
    const entry = await log.entry(index);
    if (entry === undefined || entry.kind !== 'statement')
      return reject('not-found', `entry ${index} is no statement of a device`);
    const { bytes } = entry;
    if (bytes === undefined) return reject('erased', `the bytes of entry ${index} have been erased`);
    const cited = await this.#cite(index);
    if (cited === undefined)
      return reject(
        'not-sealed-yet',
        `entry ${index} is in the log, but no checkpoint covers it yet; try again shortly`,
      );
    const receipt = await this.#stamp(entry, await this.#sign(entry, cited));
    return ok({
      bytes: attachReceipt(bytes, receipt, cited.anchor === undefined ? [] : [cited.anchor]),
      state: cited.state,
    });
  }

  /** A final or anchored checkpoint that covers the entry, else the newest sealed one. */
  async #cite(index: number): Promise<Citation | undefined> {
    const { anchors, log } = this.#parts;
    const record = await anchors.covering(index);
    if (record?.anchor !== undefined && record.state !== 'lost') {
      return { size: record.size, root: record.root, state: record.state, anchor: record.anchor };
    }
    const checkpoint = await log.newestCheckpoint();
    if (checkpoint === undefined || checkpoint.size <= index) return undefined;
    const submitted = await anchors.newest('submitted');
    const state = submitted !== undefined && submitted.size > index ? 'submitted' : 'recorded';
    return { size: checkpoint.size, root: checkpoint.root, state };
  }

  /** Puts in the earliest timestamp that covers the entry, if there is one. */
  async #stamp({ index }: LogEntry, receipt: Uint8Array): Promise<Uint8Array> {
    const { log, timestamps } = this.#parts;
    const kept = await timestamps.covering(index);
    if (kept === undefined) return receipt;
    const path = await log.inclusionProof(index, kept.size);
    return withTimestamp(receipt, { note: kept.note, token: kept.token, path });
  }

  async #sign(entry: LogEntry, { size, root }: Citation): Promise<Uint8Array> {
    const { origin, signer, log } = this.#parts;
    const path = await log.inclusionProof(entry.index, size);
    return signReceipt({ origin, subject: entry.device ?? '', size, root, index: entry.index, path }, signer);
  }
}
