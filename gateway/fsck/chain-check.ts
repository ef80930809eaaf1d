/**
 * The chain against the store. The contract's head is read before the store's moment is fixed: a gateway that goes on
 * anchoring meanwhile must not look like a fork.
 */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { thumbprint } from '../../src/cose/key.ts';
import type { GatewayConfig } from '../config-schema.ts';
import { nameOf } from './anchors.ts';
import type { ChainHead, LogChain } from './chain.ts';
import type { FsckContext } from './context.ts';
import type { FindingId, Findings } from './findings.ts';

type ChainConfig = NonNullable<GatewayConfig['chain']>;

interface AnchorRow {
  readonly rowid: number;
  readonly tx_hash: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly state: string;
  readonly block_number: string;
  readonly block_hash: Uint8Array;
}

/** Anchors asked about at once: enough to hide the way to a distant node, few enough for one that counts requests. */
const AT_ONCE = 8;

/** Whether chain, contract and log are the configured ones, and the contract's head; undefined when they are not. */
export async function readHead(
  chain: LogChain,
  config: ChainConfig,
  logKey: FsckContext['logKey'],
  findings: Findings,
): Promise<ChainHead | undefined> {
  const chainId = await chain.chainId();
  if (chainId !== BigInt(config.chainId)) {
    findings.add('chain-mismatch', `the node is on chain ${chainId}, configured is chain ${config.chainId}`);
    return undefined;
  }
  const code = await chain.contract();
  if (code !== 'reading-log') {
    const what = code === 'none' ? 'no contract' : 'another contract than ReadingLog';
    findings.add('contract-missing', `there is ${what} at ${config.contract} on chain ${chainId}`);
    return undefined;
  }
  const keyHash = await chain.logKeyHash();
  if (keyHash === undefined) {
    findings.add('chain-log-unknown', `the contract ${config.contract} knows no log ${config.logId}`);
    return undefined;
  }
  if (!equalBytes(keyHash, thumbprint(logKey)))
    findings.add(
      'chain-log-key-mismatch',
      `the log ${config.logId} was opened for the key ${bytesToHex(keyHash)}`,
    );
  return chain.head();
}

/** `computed`: the root that the stored entries have at the head's size; undefined when they do not reach it. */
export function checkHead(
  { db, findings, size }: FsckContext,
  head: ChainHead,
  computed: Uint8Array | undefined,
): void {
  if (head.size === 0) return;
  if (head.size > size) {
    findings.add('chain-fork', `the contract holds ${head.size} entries, this log has only ${size}`);
    return;
  }
  const checkpoint = db
    .prepare<[number], Uint8Array>('SELECT root FROM checkpoints WHERE size = ?')
    .pluck()
    .get(head.size);
  const own = computed ?? checkpoint;
  if (own !== undefined && !equalBytes(own, head.root)) {
    const detail = `at size ${head.size} the contract holds the root ${bytesToHex(head.root)}, this log ${bytesToHex(own)}`;
    findings.add('chain-fork', detail);
  } else if (checkpoint === undefined) {
    findings.add(
      'chain-head-without-checkpoint',
      `the contract's head of size ${head.size} is no stored checkpoint`,
    );
  }
}

/** Every anchor that the store calls anchored or final, for the configured log. */
export async function checkAnchorsOnChain(
  context: FsckContext,
  chain: LogChain,
  config: ChainConfig,
): Promise<void> {
  const { db, checked, pace } = context;
  const where =
    "state IN ('anchored', 'final') AND chain_id = @chainId AND contract = @contract AND log_id = @logId";
  const target = {
    chainId: String(config.chainId),
    contract: Buffer.from(config.contract.slice(2), 'hex'),
    logId: Buffer.from(config.logId.slice(2), 'hex'),
  };
  const total =
    db.prepare<[object], number>(`SELECT count(*) FROM anchors WHERE ${where}`).pluck().get(target) ?? 0;
  const page = db.prepare<[object], AnchorRow>(
    `SELECT rowid, tx_hash, size, root, state, block_number, block_hash FROM anchors
     WHERE rowid > @after AND ${where} ORDER BY rowid LIMIT ${AT_ONCE}`,
  );
  pace.begin('anchors on the chain', total);
  const checker = new AnchorCheck(context, chain);
  for (let rows = page.all({ ...target, after: 0 }); rows.length > 0; ) {
    await Promise.all(rows.map((row) => checker.check(row)));
    for (const _ of rows) await pace.step();
    checked.anchorsOnChain += rows.length;
    rows = page.all({ ...target, after: rows.at(-1)?.rowid });
  }
}

class AnchorCheck {
  readonly #context: FsckContext;
  readonly #chain: LogChain;

  constructor(context: FsckContext, chain: LogChain) {
    this.#context = context;
    this.#chain = chain;
  }

  async check(row: AnchorRow): Promise<void> {
    const root = await this.#chain.rootAt(row.size);
    if (root === undefined) this.#report('anchor-not-on-chain', row, 'is not in the contract');
    else if (!equalBytes(root, row.root))
      this.#report('anchor-not-on-chain', row, `has another root in the contract, ${bytesToHex(root)}`);
    await this.#checkBlock(row);
  }

  async #checkBlock(row: AnchorRow): Promise<void> {
    if (!/^[0-9]{1,20}$/.test(row.block_number)) return; // reported as malformed
    const number = BigInt(row.block_number);
    const canonical = await this.#chain.blockHash(number);
    if (canonical === undefined) {
      this.#report(
        'anchor-block-not-canonical',
        row,
        `is recorded in block ${number}, which the node does not have`,
      );
      return;
    }
    if (!equalBytes(canonical, row.block_hash)) {
      this.#report(
        'anchor-block-not-canonical',
        row,
        `is recorded in a block ${number} that is not the chain's`,
      );
      return;
    }
    const transaction = await this.#chain.transaction(row.tx_hash);
    const isThere =
      transaction !== undefined &&
      equalBytes(transaction.blockHash, row.block_hash) &&
      transaction.anchored.some((head) => head.size === row.size && equalBytes(head.root, row.root));
    if (!isThere)
      this.#report('anchor-event-missing', row, `is not what its transaction did in block ${number}`);
  }

  #report(id: FindingId, row: AnchorRow, what: string): void {
    this.#context.findings.add(
      id,
      `the ${row.state} anchor ${nameOf(row.tx_hash)} of size ${row.size} ${what}`,
    );
  }
}
