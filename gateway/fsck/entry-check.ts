/** One entry: its bytes, its hash, who signed it, and whether its columns say what the signed bytes say. */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { keyId } from '../../src/cose/key.ts';
import { decodeLogStatement } from '../../src/log-statement.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { verifySignature } from '../../src/signature.ts';
import { decodeStatement, hashEntry } from '../../src/statement.ts';
import { FLAGS } from '../../src/verdict.ts';
import type { EntryRow } from '../store/log-store.ts';
import type { FsckContext } from './context.ts';
import type { DeviceHistory } from './device-history.ts';
import type { FindingId } from './findings.ts';

/** The part of a device's row that its entries repeat. */
export interface DeviceColumns {
  readonly urn: string;
  readonly owner: number;
  readonly provider: string;
}

export interface EntryCheckParts {
  readonly context: FsckContext;
  readonly history: DeviceHistory;
  /** By device id. */
  readonly devices: ReadonlyMap<number, DeviceColumns>;
}

const ENTRY_BYTES = 32;
const KNOWN_FLAGS: ReadonlySet<string> = new Set(FLAGS);

export class EntryCheck {
  readonly #parts: EntryCheckParts;
  readonly #logKeyId: Uint8Array;

  constructor(parts: EntryCheckParts) {
    this.#parts = parts;
    this.#logKeyId = keyId(parts.context.logKey);
  }

  /** Checks the row and gives the leaf hashes it may stand for, most believable first. */
  check(row: EntryRow): Uint8Array[] {
    const { context } = this.#parts;
    context.checked.entries += 1;
    this.#checkCommonColumns(row);
    const bytes = this.#bytesOf(row);
    const leaf = hashLeaf(row.entry);
    if (bytes === undefined) {
      if (row.entry.length !== ENTRY_BYTES) this.#report('entry-hash-wrong', row, 'is not 32 bytes');
      return [leaf];
    }
    const actual = hashEntry(bytes);
    const isHashed = equalBytes(actual, row.entry);
    if (!isHashed)
      this.#report('entry-hash-wrong', row, 'is not the SHA-256 of the statement stored with it');
    if (row.kind === 'statement') this.#checkStatement(row, bytes, isHashed);
    else this.#checkLogStatement(row, bytes);
    return isHashed ? [leaf] : [leaf, hashLeaf(actual)];
  }

  #bytesOf(row: EntryRow): Uint8Array | undefined {
    const { owners, checked } = this.#parts.context;
    const opened = owners.open(row.owner, row.sealed, Buffer.from(`entry ${row.idx}`));
    switch (opened.kind) {
      case 'open':
        return opened.bytes;
      case 'erased':
        checked.erased += 1;
        return undefined;
      case 'damaged':
        this.#report(
          'entry-unreadable',
          row,
          `does not open under the key of owner ${row.owner} at this index`,
        );
        return undefined;
      case 'no-owner':
        this.#report('entry-columns-wrong', row, `belongs to owner ${row.owner}, who does not exist`);
        return undefined;
      case 'no-key':
        return undefined;
    }
  }

  /** What can be checked without the bytes, for erased patients too. */
  #checkCommonColumns(row: EntryRow): void {
    const { context, devices } = this.#parts;
    const unknownFlag =
      row.flags === '' ? undefined : row.flags.split(' ').find((flag) => !KNOWN_FLAGS.has(flag));
    if (unknownFlag !== undefined) this.#report('entry-columns-wrong', row, 'carries an unknown flag');
    const isNumbered = row.boot !== null && row.seq !== null;
    if (isNumbered !== (row.kind === 'statement') || (row.boot === null) !== (row.seq === null))
      this.#report('entry-columns-wrong', row, `has boot ${row.boot} and seq ${row.seq}`);
    if (row.kind === 'heartbeat') {
      const isOurs = row.device === null && row.provider === null && row.owner === context.owners.gateway;
      if (!isOurs) this.#report('entry-columns-wrong', row, 'is tied to a device, a provider or a patient');
      return;
    }
    const device = row.device === null ? undefined : devices.get(row.device);
    if (device === undefined)
      this.#report('entry-columns-wrong', row, `names device ${row.device}, which is not in the registry`);
    else if (device.owner !== row.owner || device.provider !== row.provider)
      this.#report('entry-columns-wrong', row, `has another owner or provider than its device ${device.urn}`);
  }

  /** `isHashed`: the bytes are those of the leaf, so the columns must say what they say. */
  #checkStatement(row: EntryRow, bytes: Uint8Array, isHashed: boolean): void {
    const decoded = decodeStatement(bytes);
    if (decoded.kind === 'reject') {
      this.#report('entry-undecodable', row, `is no statement: ${decoded.detail}`);
      return;
    }
    const { issuer, boot, seq, kid, algorithm, signedBytes, signature } = decoded.value;
    const device = row.device === null ? undefined : this.#parts.devices.get(row.device);
    const isSame = (device === undefined || device.urn === issuer) && row.boot === boot && row.seq === seq;
    if (isHashed && !isSame)
      this.#report(
        'entry-columns-wrong',
        row,
        `is filed as another statement than ${issuer} boot ${boot} seq ${seq}`,
      );
    const logged = this.#parts.history.key(issuer, kid);
    if (logged === undefined || logged.key.algorithm !== algorithm) {
      const detail = `is signed by a key (${bytesToHex(kid)}) that the log had not enrolled for ${issuer} by then`;
      this.#report('statement-key-unknown', row, detail);
      return;
    }
    if (!this.#verifies(logged.key, signedBytes, signature))
      this.#report('statement-signature-bad', row, `is not signed by the key it names (${issuer})`);
    // In the order of the log, not of clocks: the writer looks at device and key in the transaction that appends.
    const status = this.#parts.history.device(issuer)?.status;
    if (logged.end !== undefined)
      this.#report('statement-not-allowed', row, `follows the retirement of its key (${issuer})`);
    else if (status !== 'active')
      this.#report('statement-not-allowed', row, `comes from ${issuer}, which was ${status} by then`);
  }

  #checkLogStatement(row: EntryRow, bytes: Uint8Array): void {
    const { context, history, devices } = this.#parts;
    const decoded = decodeLogStatement(bytes);
    if (decoded.kind === 'reject') {
      this.#report('entry-undecodable', row, `is no log statement: ${decoded.detail}`);
      return;
    }
    const statement = decoded.value;
    if (statement.kind !== row.kind)
      this.#report('entry-columns-wrong', row, `is filed as another kind than ${statement.kind}`);
    if (statement.origin !== context.origin || !equalBytes(statement.kid, this.#logKeyId)) {
      this.#report('log-statement-foreign', row, 'was made by another log or signed with another log key');
      return;
    }
    if (!this.#verifies(context.logKey, statement.signedBytes, statement.signature)) {
      this.#report('log-signature-bad', row, 'is not signed by the log key it names');
      return;
    }
    if (statement.kind === 'heartbeat') return;
    const device = row.device === null ? undefined : devices.get(row.device);
    if (device !== undefined && device.urn !== statement.device)
      this.#report('entry-columns-wrong', row, `is filed under another device than ${statement.device}`);
    const problem = history.apply(statement, row.idx);
    if (problem !== undefined)
      this.#report(
        'device-event-out-of-order',
        row,
        `says ${statement.event} of ${statement.device}, but ${problem}`,
      );
  }

  #verifies(key: FsckContext['logKey'], message: Uint8Array, signature: Uint8Array): boolean {
    const { fast, checked } = this.#parts.context;
    if (fast) return true;
    checked.signatures += 1;
    return verifySignature(key.algorithm, key.bytes, message, signature);
  }

  #report(id: FindingId, row: EntryRow, what: string): void {
    this.#parts.context.findings.add(id, `entry ${row.idx} (${row.kind}) ${what}`);
  }
}
