/** What the checker can find, in one closed list, and what to do about each. */

const RESTORE =
  'Stop the gateway, keep these files as evidence, and go on from the newest backup that fsck finds clean, chain included.';
const TAMPERED =
  'Someone or something changed stored data behind the gateway: keep the files as evidence, find out who had access, and go on from the newest backup that fsck finds clean, chain included.';
const WAIT =
  'While the gateway runs it follows the chain by itself: run fsck again after a minute. If this stays, start the gateway and read its log.';

/** Every id with its remedy. An id is a stable name: scripts may rely on it. */
export const REMEDIES = {
  'database-damaged': RESTORE,
  'database-schema-wrong':
    'Open the store once with the gateway of this version, or check it with the version that wrote it.',
  'database-reference-broken': TAMPERED,
  'owner-key-unreadable':
    'Check that keys.masterKeyFile is the file this store was made with; without it these readings stay closed.',
  'entry-missing': RESTORE,
  'entry-unreadable': RESTORE,
  'entry-hash-wrong': TAMPERED,
  'entry-undecodable': TAMPERED,
  'entry-columns-wrong': TAMPERED,
  'statement-key-unknown': TAMPERED,
  'statement-signature-bad': TAMPERED,
  'statement-not-allowed': TAMPERED,
  'log-statement-foreign': `Check that origin and keys.logKeyFile are those this store was made with. If they are: ${TAMPERED}`,
  'log-signature-bad': TAMPERED,
  'tile-missing': RESTORE,
  'tile-extra': RESTORE,
  'tile-hashes-wrong': RESTORE,
  'tile-root-wrong': RESTORE,
  'checkpoint-beyond-log': `Entries that were signed for are gone. ${RESTORE}`,
  'checkpoint-note-bad': `Check that origin and keys.logKeyFile are those this store was made with. If they are: ${TAMPERED}`,
  'checkpoint-root-wrong': RESTORE,
  'sequence-wrong': RESTORE,
  'gap-wrong': RESTORE,
  'device-not-logged': TAMPERED,
  'device-event-out-of-order': TAMPERED,
  'device-key-mismatch': TAMPERED,
  'device-status-mismatch': TAMPERED,
  'enrolments-wrong': RESTORE,
  'anchor-malformed': RESTORE,
  'anchor-without-checkpoint': RESTORE,
  'cursor-wrong': RESTORE,
  'batch-wrong': `Retry or remove the batch by its id; its readings are in the log. If more is wrong: ${RESTORE}`,
  'quarantine-unreadable': RESTORE,
  'quarantine-hash-wrong': TAMPERED,
  'quarantine-over-limit':
    'Harmless when limits.quarantine* were lowered since; otherwise something else than the gateway wrote these rows.',
  'chain-mismatch': 'Correct chain.rpcUrls or chain.chainId in the configuration.',
  'contract-missing':
    'Correct chain.contract or chain.rpcUrls; a node that is still syncing says so too. A development chain that lost its state has lost the anchors.',
  'chain-log-unknown': 'Correct chain.logId in the configuration, or open the log in the contract.',
  'chain-log-key-mismatch':
    'The log in the contract was opened for another log key: correct chain.logId or keys.logKeyFile.',
  'chain-fork':
    'Two histories of one log exist. Stop every gateway that holds this log key; the files that agree with the chain are the true ones: restore those.',
  'chain-head-without-checkpoint': RESTORE,
  'anchor-not-on-chain': WAIT,
  'anchor-block-not-canonical': WAIT,
  'anchor-event-missing': WAIT,
} as const satisfies Record<string, string>;

export type FindingId = keyof typeof REMEDIES;

/** One thing that does not agree. */
export interface Finding {
  readonly id: FindingId;
  /** What and where, in a sentence. Never a payload or a key. */
  readonly detail: string;
  /** What to do. */
  readonly remedy: string;
}

/** A store that is wrong throughout would otherwise be reported row by row. */
const KEPT_OF_EACH = 20;

/** Collects findings; keeps the first of each id and counts the rest, so that memory stays bounded. */
export class Findings {
  readonly #kept: Finding[] = [];
  readonly #counts = new Map<FindingId, number>();

  add(id: FindingId, detail: string): void {
    const count = (this.#counts.get(id) ?? 0) + 1;
    this.#counts.set(id, count);
    if (count <= KEPT_OF_EACH) this.#kept.push({ id, detail, remedy: REMEDIES[id] });
  }

  get kept(): readonly Finding[] {
    return this.#kept;
  }

  /** How many of each id there are beyond those kept. */
  get omitted(): Partial<Record<FindingId, number>> {
    const more: Partial<Record<FindingId, number>> = {};
    for (const [id, count] of this.#counts) if (count > KEPT_OF_EACH) more[id] = count - KEPT_OF_EACH;
    return more;
  }
}
