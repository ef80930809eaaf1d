/**
 * Brings the records of the store in line with the chain. Run on every look at the chain, so it is also what
 * happens after a crash: what the chain holds counts, not what we remember having done.
 */
import { equalBytes } from '../../src/bytes.ts';
import type { AnchorRecord, AnchorStore, AnchorTarget } from '../ports.ts';
import type { Block, Chain, Inclusion } from './chain.ts';

/** Both ends of what can still be reorganised. */
export interface ChainView {
  readonly newest: Block;
  readonly final: Block;
}

/** One record that changed, already saved. */
export interface Change {
  readonly before: AnchorRecord;
  readonly after: AnchorRecord;
}

/** Judges every open record and the final ones that may be none, and saves what changed. */
export async function reconcile(chain: Chain, store: AnchorStore, view: ChainView): Promise<Change[]> {
  const judge = new Judge(chain, view);
  const changes: Change[] = [];
  const apply = async (before: AnchorRecord, after: AnchorRecord): Promise<void> => {
    if (after === before) return;
    await store.save(after);
    changes.push({ before, after });
  };
  const judged: Change[] = [];
  for (const before of await store.open()) judged.push({ before, after: await judge.open(before) });
  const settled = judged.flatMap(({ after }) => (after.state === 'final' ? [after] : []));
  const sound = await reopenUnfinal(store, judge, settled, apply);
  for (const { before, after } of judged) if (sound || after.state !== 'final') await apply(before, after);
  await giveUpReplaced(chain, store, apply);
  return changes;
}

type Apply = (before: AnchorRecord, after: AnchorRecord) => Promise<void>;

/**
 * A chain may break its own finality (a development node set back in time). Then `final` was no truth of ours.
 *
 * Only the newest final record is looked at: while its block is the chain's, so are the blocks below it. Therefore it is looked at before another
 * takes its place. False when it cannot be told: then nothing becomes final on top of it.
 */
async function reopenUnfinal(
  store: AnchorStore,
  judge: Judge,
  settled: readonly AnchorRecord[],
  apply: Apply,
): Promise<boolean> {
  for (let record = await store.newest('final'); record !== undefined; record = await store.newest('final')) {
    const after = await judge.final(record, settled);
    if (after === undefined) return false;
    if (after === record) return true;
    await apply(record, after);
  }
  return true;
}

/**
 * One nonce, one transaction: once an anchor is final, every other attempt at its nonce or an earlier one that is
 * in no block can never be in one. Only then is it lost; until then a reorganisation could still bring it back.
 */
async function giveUpReplaced(chain: Chain, store: AnchorStore, apply: Apply): Promise<void> {
  const final = await store.newest('final');
  if (final === undefined || !sameTarget(final.target, chain.target)) return;
  for (const record of await store.open()) {
    const beaten = equalBytes(record.sender, final.sender) && record.nonce <= final.nonce;
    if (record.state === 'submitted' && beaten)
      await apply(record, lost(record, record.setback === 'reverted' ? 'reverted' : 'replaced'));
  }
}

/** What a record is by the evidence of the chain. Returns the same object when nothing changed. */
class Judge {
  readonly #chain: Chain;
  readonly #view: ChainView;
  readonly #blocks = new Map<bigint, Promise<Block | undefined>>();

  constructor(chain: Chain, view: ChainView) {
    this.#chain = chain;
    this.#view = view;
  }

  async open(record: AnchorRecord): Promise<AnchorRecord> {
    if (!sameTarget(record.target, this.#chain.target)) return lost(record, 'other-target');
    if (record.anchor === undefined) return this.#unplaced(record);
    const block = await this.#blockAt(record.anchor.blockNumber);
    // No block so high: a node that lags proves nothing about the block.
    if (block === undefined) return record;
    if (equalBytes(block.hash, record.anchor.blockHash))
      return this.#isFinal(block.number) ? settled(record) : record;
    const moved = await this.#unplaced(record);
    return moved === record ? reorganised(record) : moved;
  }

  /** `settled`: what becomes final in this look. Undefined when the node does not have the record's block. */
  async final(record: AnchorRecord, settled: readonly AnchorRecord[]): Promise<AnchorRecord | undefined> {
    const { anchor } = record;
    if (anchor === undefined || !sameTarget(record.target, this.#chain.target)) return record;
    // The contract only grows: with a greater size final below it, the record's block is of another past.
    const isOvertaken = settled.some(
      ({ size, anchor: other }) =>
        size > record.size && other !== undefined && other.blockNumber < anchor.blockNumber,
    );
    if (isOvertaken) return reorganised(record);
    const block = await this.#blockAt(anchor.blockNumber);
    if (block === undefined) return undefined;
    return equalBytes(block.hash, anchor.blockHash) ? record : reorganised(record);
  }

  /** Judges a transaction that is in no block yet as far as we know. */
  async #unplaced(record: AnchorRecord): Promise<AnchorRecord> {
    const inclusion = await this.#chain.inclusion(record.transactionHash);
    if (inclusion === undefined) return record;
    const block = await this.#blockAt(inclusion.blockNumber);
    // A receipt from a block that is not canonical: the node is between two chains. The next look will tell.
    if (block === undefined || !equalBytes(block.hash, inclusion.blockHash)) return record;
    if (!inclusion.succeeded) return this.#reverted(record, inclusion);
    // Success without our event is no anchor, whatever the node says. The next checkpoint does not depend on it.
    if (!inclusion.anchored.some((head) => head.size === record.size && equalBytes(head.root, record.root)))
      return record;
    const anchored = placed(record, inclusion, block);
    return this.#isFinal(block.number) ? settled(anchored) : anchored;
  }

  #reverted(record: AnchorRecord, { blockNumber, gasUsed }: Inclusion): AnchorRecord {
    if (this.#isFinal(blockNumber)) return { ...lost(record, 'reverted'), gasUsed };
    if (record.setback === 'reverted' && record.gasUsed === gasUsed) return record;
    return { ...withoutAnchor(record), state: 'submitted', setback: 'reverted', gasUsed };
  }

  #isFinal(number: bigint): boolean {
    return number <= this.#view.final.number;
  }

  /** One look at each block, so that all records are judged by the same chain. */
  #blockAt(number: bigint): Promise<Block | undefined> {
    const known = this.#blocks.get(number);
    if (known !== undefined) return known;
    const asked = this.#chain.blockAt(number);
    this.#blocks.set(number, asked);
    return asked;
  }
}

/** Whether two targets are the same log of the same contract on the same chain. */
export function sameTarget(a: AnchorTarget, b: AnchorTarget): boolean {
  return a.chainId === b.chainId && equalBytes(a.contract, b.contract) && equalBytes(a.logId, b.logId);
}

function placed(record: AnchorRecord, inclusion: Inclusion, block: Block): AnchorRecord {
  const { setback: _, ...rest } = record;
  const anchor = {
    ...record.target,
    size: record.size,
    root: record.root,
    transactionHash: record.transactionHash,
    blockNumber: block.number,
    blockHash: block.hash,
    blockTime: block.time,
  };
  return { ...rest, state: 'anchored', anchor, gasUsed: inclusion.gasUsed };
}

function settled(record: AnchorRecord): AnchorRecord {
  const { rawTransaction: _, ...rest } = record;
  return { ...rest, state: 'final' };
}

function lost(record: AnchorRecord, setback: NonNullable<AnchorRecord['setback']>): AnchorRecord {
  const { rawTransaction: _, ...rest } = withoutAnchor(record);
  return { ...rest, state: 'lost', setback };
}

function reorganised(record: AnchorRecord): AnchorRecord {
  const { gasUsed: _, ...rest } = withoutAnchor(record);
  return { ...rest, state: 'submitted', setback: 'reorganised' };
}

function withoutAnchor(record: AnchorRecord): AnchorRecord {
  const { anchor: _, ...rest } = record;
  return rest;
}
