/** The owners' data keys, as the checker opens them: a key that does not open is a finding, never the end of the check. */
import { open, Vault } from '../crypto/vault.ts';
import { GatewayError } from '../errors.ts';
import type { Db } from '../store/database.ts';
import type { Checked } from './context.ts';
import type { Findings } from './findings.ts';

/** What came of opening sealed bytes. `no-key`: reported once, for the owner. */
export type Opened =
  | { readonly kind: 'open'; readonly bytes: Uint8Array }
  | { readonly kind: 'erased' | 'no-key' | 'no-owner' | 'damaged' };

interface OwnerRow {
  readonly id: number;
  readonly name: string;
  readonly wrapped: Uint8Array | null;
}

/** The owner that is the gateway itself (docs/architecture.md, encryption at rest). */
const GATEWAY_OWNER = '';
/** Keys kept unwrapped: 32 bytes each and the map's overhead. */
const CAPACITY = 50_000;

type DataKey = Uint8Array | 'erased' | 'no-key' | 'no-owner';

export class OwnerKeys {
  readonly #db: Db;
  readonly #vault: Vault;
  readonly #keys = new Map<number, DataKey>();
  /** Id of the owner that is the gateway; undefined when the row is missing. */
  readonly gateway: number | undefined;

  constructor(db: Db, masterKey: Uint8Array) {
    this.#db = db;
    this.#vault = new Vault(masterKey);
    this.gateway = db
      .prepare<[string], number>('SELECT id FROM owners WHERE name = ?')
      .pluck()
      .get(GATEWAY_OWNER);
  }

  /** Reports every owner whose key does not open. */
  check(findings: Findings, checked: Checked): void {
    for (const row of this.#db.prepare<[], OwnerRow>('SELECT * FROM owners ORDER BY id').iterate()) {
      checked.owners += 1;
      const isGateway = row.name === GATEWAY_OWNER;
      const who = isGateway ? 'of the gateway itself' : `of owner ${row.id}`;
      const key = this.#unwrap(row);
      if (key === 'no-key') findings.add('owner-key-unreadable', `the data key ${who} does not open`);
      if (key === 'erased' && isGateway) findings.add('owner-key-unreadable', `the data key ${who} is gone`);
    }
    if (this.gateway === undefined && checked.owners > 0)
      findings.add('owner-key-unreadable', 'the gateway itself is not among the owners');
  }

  /** Opens bytes that were sealed for an owner at a place. */
  open(owner: number, sealed: Uint8Array, context: Uint8Array): Opened {
    const key = this.#keyOf(owner);
    if (typeof key === 'string') return { kind: key };
    const bytes = open(key, sealed, context);
    return bytes === undefined ? { kind: 'damaged' } : { kind: 'open', bytes };
  }

  /** Whether bytes of this owner can be read at all. */
  isReadable(owner: number): boolean {
    return typeof this.#keyOf(owner) !== 'string';
  }

  #keyOf(owner: number): DataKey {
    const known = this.#keys.get(owner);
    if (known !== undefined) return known;
    const row = this.#db.prepare<[number], OwnerRow>('SELECT * FROM owners WHERE id = ?').get(owner);
    const key = row === undefined ? 'no-owner' : this.#unwrap(row);
    if (this.#keys.size >= CAPACITY) this.#keys.clear();
    this.#keys.set(owner, key);
    return key;
  }

  #unwrap({ wrapped, name }: OwnerRow): DataKey {
    if (wrapped === null) return 'erased';
    try {
      return this.#vault.unwrapKey(wrapped, name);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'key-unreadable') return 'no-key';
      throw error;
    }
  }
}
