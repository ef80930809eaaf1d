/**
 * `fsck`: from outside, over the stored files and the chain, whether every leaf, tile, root, anchor and cursor agrees.
 *
 * It shares no code with the log it checks: the tree, the hashes and the signatures are those of `src`, the rows are
 * read by queries of its own. It writes nothing, sees one moment of the store, and may run beside a running gateway or
 * over a copy.
 */
import type { PublicKey } from '../../src/cose/key.ts';
import type { GatewayConfig } from '../config-schema.ts';
import { GatewayError } from '../errors.ts';
import { readSecret, readSigner } from '../secrets.ts';
import { type Db, storeError } from '../store/database.ts';
import { openReadOnly, tablesOfSchemas } from '../store/read-only.ts';
import { GATEWAY_SCHEMAS } from '../store/schemas.ts';
import { checkAnchors } from './anchors.ts';
import type { LogChain } from './chain.ts';
import { ChainPart } from './chain-part.ts';
import { type Checked, type FsckContext, nothingChecked, Pace, type Progress } from './context.ts';
import { checkFile, checkTables } from './database.ts';
import { checkDeliveries } from './deliveries.ts';
import { checkEntries } from './entries.ts';
import { Findings } from './findings.ts';
import { OwnerKeys } from './owner-keys.ts';
import { checkQuarantine } from './quarantine.ts';
import { checkRegistry } from './registry.ts';
import type { FsckReport } from './report.ts';
import { checkSequenceIndex } from './sequence-index.ts';
import { checkSequences } from './sequences.ts';

export interface CheckOptions {
  /** Whose store, keys, limits and chain. `dataDir` may be a copy. */
  readonly config: GatewayConfig;
  /** In place of the configured node; `false`: the chain is not asked. */
  readonly chain?: LogChain | false;
  /** Skips signatures, which are nearly all of the work. */
  readonly fast?: boolean;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the check early; `checkStore` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Checks a store. What does not agree is a finding, never an exception.
 * @throws GatewayError when nothing can be checked: no store there, or the key files cannot be read.
 */
export async function checkStore(options: CheckOptions): Promise<FsckReport> {
  const { config } = options;
  const masterKey = readSecret(config.keys.masterKeyFile, 'keys.masterKeyFile');
  const logKey = readSigner(config.keys.logKeyFile, 'keys.logKeyFile').publicKey;
  const findings = new Findings();
  const checked = nothingChecked();
  const chain = new ChainPart(config, options.chain, findings);
  try {
    await chain.begin(logKey); // before the store's moment is fixed: see chain-check.ts
    const db = openOrReport(config.dataDir, findings);
    try {
      if (db !== undefined)
        await new Check(options, { db, masterKey, logKey, findings, checked, chain }).run();
    } finally {
      db?.close();
    }
  } finally {
    chain.close();
  }
  const { kept, omitted } = findings;
  return { checked, findings: kept, omitted, fast: options.fast ?? false, ...chain.outcome() };
}

function openOrReport(dataDir: string, findings: Findings): Db | undefined {
  try {
    return openReadOnly(dataDir);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'store-corrupt') throw error;
    findings.add('database-damaged', 'the file is not a database that can be read');
    return undefined;
  }
}

interface CheckParts {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly logKey: PublicKey;
  readonly findings: Findings;
  readonly checked: Checked;
  readonly chain: ChainPart;
}

/** The checks over one open store, in order. */
class Check {
  readonly #options: CheckOptions;
  readonly #parts: CheckParts;

  constructor(options: CheckOptions, parts: CheckParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { db, findings, chain } = this.#parts;
    if (!(await this.#guard('the tables', () => checkTables(db, tablesOfSchemas(GATEWAY_SCHEMAS), findings))))
      return;
    await this.#guard('the file', () => checkFile(db, findings));
    const context = await this.#guard('the keys', () => this.#context());
    if (context === undefined) return;
    const entries = await this.#guard('the log', () => checkEntries(context, chain.head?.size));
    if (entries !== undefined)
      await this.#guard('the registry', () => checkRegistry(context, entries.history));
    await this.#guard('the sequences', () => checkSequences(context));
    await this.#guard('the sequence index', () => checkSequenceIndex(context));
    await this.#guard('the anchors', () => checkAnchors(context));
    await this.#guard('the deliveries', () => checkDeliveries(context));
    const { quarantinePerDevice: perDevice, quarantineTotal: total } = this.#options.config.limits;
    await this.#guard('quarantine', () => checkQuarantine(context, { perDevice, total }));
    await this.#guard('the anchors', () => chain.finish(context, entries?.rootAsked));
  }

  #context(): FsckContext {
    const { db, masterKey, logKey, findings, checked } = this.#parts;
    const { config, fast = false, onProgress = () => undefined, signal } = this.#options;
    const owners = new OwnerKeys(db, masterKey);
    owners.check(findings, checked);
    const last = db.prepare<[], number | null>('SELECT max(idx) FROM entries').pluck().get() ?? -1;
    const pace = new Pace(onProgress, signal);
    return { db, origin: config.origin, logKey, owners, size: last + 1, fast, findings, checked, pace };
  }

  /** One check; a damaged file ends that check, not the others. */
  async #guard<T>(what: string, check: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      const failure = storeError(error, `cannot read ${what}`);
      if (failure.code !== 'store-corrupt') throw error;
      this.#parts.findings.add('database-damaged', `${what} cannot be read to the end: the file is damaged`);
      return undefined;
    }
  }
}
