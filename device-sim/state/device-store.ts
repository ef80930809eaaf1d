/**
 * What a device must not forget, in one folder, safe against kill -9 and power cuts at any moment:
 *
 * | file                 | holds                                                              |
 * | -------------------- | ------------------------------------------------------------------ |
 * | device.json          | URN, algorithm, secret key, public key, boot; replaced atomically  |
 * | statements-BOOT.log  | every statement of one boot, in order: archive, outbox and counter |
 * | acknowledged.log     | which of them were acknowledged                                    |
 * | lock                 | the process that has the folder open                               |
 *
 * There is no separate counter to fall out of step: seq is the number of statements in the journal, prev the hash of
 * its last. When a journal is lost or damaged the device cannot know what it has said, so it begins the next boot.
 */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToBase64, bytesToHex, hexToBytes } from '../../src/bytes.ts';
import { ALGORITHM_IDS, type Algorithm } from '../../src/cose/algorithm.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { createSigner, type Signer } from '../../src/signature.ts';
import { isDeviceUrn } from '../../src/statement.ts';
import { Acknowledgements, readAcknowledgements, type StatementNumber } from './acknowledgements.ts';
import { syncFolder, writeFileAtomic } from './atomic-file.ts';
import { lockFolder } from './folder-lock.ts';
import { Journal } from './journal.ts';

/** Who a device is. */
export interface DeviceIdentity {
  readonly urn: string;
  readonly algorithm: Algorithm;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

const IDENTITY_FILE = 'device.json';
const ACKNOWLEDGED_FILE = 'acknowledged.log';

/** The state of one device. One process at a time may hold a folder open. */
export class DeviceStore {
  readonly identity: DeviceIdentity;
  readonly signer: Signer;
  readonly boot: number;
  readonly #journals: ReadonlyMap<number, Journal>;
  readonly #acknowledged: Acknowledgements;
  #unlock: () => Promise<void> = async () => undefined;

  private constructor(
    identity: DeviceIdentity,
    boot: number,
    journals: ReadonlyMap<number, Journal>,
    acknowledged: Acknowledgements,
  ) {
    this.identity = identity;
    this.signer = createSigner(identity.algorithm, identity.secretKey);
    this.boot = boot;
    this.#journals = journals;
    this.#acknowledged = acknowledged;
  }

  /**
   * Opens a device's folder. A new folder becomes the device `fresh()` describes; an existing one keeps its identity.
   * Throws Error naming the file when another process has it open, when it holds statements but no identity, or an
   * identity that cannot be read.
   */
  static async open(folder: string, fresh: () => DeviceIdentity): Promise<DeviceStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const unlock = await lockFolder(folder);
    try {
      const store = await DeviceStore.#openLocked(folder, fresh);
      store.#unlock = unlock;
      return store;
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  static async #openLocked(folder: string, fresh: () => DeviceIdentity): Promise<DeviceStore> {
    const saved = await readIdentity(folder);
    if (saved === undefined) return DeviceStore.#create(folder, fresh());
    let { boot } = saved;
    while (await isLost(journalFile(folder, boot))) {
      boot += 1;
      await openJournalForGood(folder, boot);
      await saveIdentity(folder, saved.identity, boot);
    }
    return DeviceStore.#load(folder, saved.identity, boot);
  }

  static async #create(folder: string, identity: DeviceIdentity): Promise<DeviceStore> {
    if (await holdsStatements(journalFile(folder, 0))) {
      throw new Error(`${folder}: there are statements but no ${IDENTITY_FILE}; choose another folder`);
    }
    // The journal first: an identity without a journal means that the journal was lost.
    await openJournalForGood(folder, 0);
    await saveIdentity(folder, identity, 0);
    return DeviceStore.#load(folder, identity, 0);
  }

  static async #load(folder: string, identity: DeviceIdentity, boot: number): Promise<DeviceStore> {
    const journals = new Map<number, Journal>();
    for (let earlier = 0; earlier <= boot; earlier++) {
      const file = journalFile(folder, earlier);
      if (earlier === boot || (await exists(file))) journals.set(earlier, await Journal.open(file));
    }
    const acknowledged = await Acknowledgements.open(join(folder, ACKNOWLEDGED_FILE));
    return new DeviceStore(identity, boot, journals, acknowledged);
  }

  /** The number of the next statement. */
  get nextSeq(): number {
    return this.#current().length;
  }

  /** Adds the statement with number `nextSeq`; durable when it returns. Calls must not overlap. */
  async append(statement: Uint8Array): Promise<void> {
    await this.#current().append(statement);
  }

  /** The exact bytes of a statement; `undefined` when it is not in the archive. */
  async read({ boot, seq }: StatementNumber): Promise<Uint8Array | undefined> {
    const journal = this.#journals.get(boot);
    return journal !== undefined && seq >= 0 && seq < journal.length ? journal.read(seq) : undefined;
  }

  /** How many statements of a boot are in the archive: those with seq below it. */
  archived(boot: number): number {
    return this.#journals.get(boot)?.length ?? 0;
  }

  /** Every statement not yet acknowledged, oldest first. */
  *outbox(): Generator<StatementNumber> {
    for (const [boot, journal] of this.#journals) {
      for (let seq = 0; seq < journal.length; seq++) {
        if (!this.#acknowledged.has({ boot, seq })) yield { boot, seq };
      }
    }
  }

  isAcknowledged(number: StatementNumber): boolean {
    return this.#acknowledged.has(number);
  }

  async acknowledge(number: StatementNumber): Promise<void> {
    await this.#acknowledged.add(number);
  }

  async close(): Promise<void> {
    for (const journal of this.#journals.values()) await journal.close();
    await this.#acknowledged.close();
    await this.#unlock();
  }

  #current(): Journal {
    const journal = this.#journals.get(this.boot);
    if (journal === undefined) throw new Error('the store has no journal for its boot');
    return journal;
  }
}

/** What the device in `folder` believes was acknowledged, also while it runs. */
export function acknowledgedBy(folder: string): Promise<StatementNumber[]> {
  return readAcknowledgements(join(folder, ACKNOWLEDGED_FILE));
}

function journalFile(folder: string, boot: number): string {
  return join(folder, `statements-${boot}.log`);
}

async function openJournalForGood(folder: string, boot: number): Promise<void> {
  const journal = await Journal.open(journalFile(folder, boot));
  await journal.close();
  await syncFolder(folder);
}

async function isLost(file: string): Promise<boolean> {
  if (!(await exists(file))) return true;
  const journal = await Journal.open(file);
  await journal.close();
  return journal.damaged;
}

async function holdsStatements(file: string): Promise<boolean> {
  return stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function saveIdentity(folder: string, identity: DeviceIdentity, boot: number): Promise<void> {
  const { urn, algorithm, secretKey } = identity;
  const { publicKey } = createSigner(algorithm, secretKey);
  const content = {
    urn,
    algorithm,
    secretKey: bytesToHex(secretKey),
    // As `vitalseal device enrol` takes it: a COSE_Key in base64.
    publicKey: bytesToBase64(encodeCoseKey(publicKey)),
    boot,
  };
  await writeFileAtomic(join(folder, IDENTITY_FILE), `${JSON.stringify(content, null, 2)}\n`);
}

async function readIdentity(folder: string): Promise<{ identity: DeviceIdentity; boot: number } | undefined> {
  const file = join(folder, IDENTITY_FILE);
  if (!(await exists(file))) return undefined;
  try {
    const { urn, algorithm, secretKey, boot } = JSON.parse(await readFile(file, 'utf8')) as Record<
      string,
      unknown
    >;
    if (typeof urn !== 'string' || !isDeviceUrn(urn)) throw new Error('urn: not a device URN');
    if (typeof algorithm !== 'string' || !Object.hasOwn(ALGORITHM_IDS, algorithm))
      throw new Error('algorithm: unknown');
    if (typeof secretKey !== 'string') throw new Error('secretKey: missing');
    if (typeof boot !== 'number' || !Number.isSafeInteger(boot) || boot < 0)
      throw new Error('boot: not a counter');
    const identity = { urn, algorithm: algorithm as Algorithm, secretKey: hexToBytes(secretKey) };
    return { identity, boot };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file}: cannot be read as a device (${reason}); restore it or choose another folder`, {
      cause,
    });
  }
}
