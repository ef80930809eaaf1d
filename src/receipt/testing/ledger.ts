/** A small log with its chain, for tests of receipts: everything real but the chain, which is a list of facts. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '../../bytes.ts';
import type { Algorithm } from '../../cose/algorithm.ts';
import { hashLeaf } from '../../merkle/hash.ts';
import { proveMany } from '../../merkle/multiproof.ts';
import { proveInclusion } from '../../merkle/proof.ts';
import { computeRoot } from '../../merkle/root.ts';
import { storeNodes } from '../../merkle/testing/tree.ts';
import { createSigner, type Signer } from '../../signature.ts';
import { hashEntry, type StatementFields, signStatement } from '../../statement.ts';
import type { Anchor } from '../anchor.ts';
import { encodePack, signPackReceipt } from '../pack.ts';
import { signReceipt } from '../receipt.ts';
import { attachReceipt } from '../transparent-statement.ts';
import type { ChainFacts, LogContract, Trust } from '../trust.ts';

export const ORIGIN = 'gateway.example/log';
export const LOG_SIGNER: Signer = createSigner('Ed25519', new Uint8Array(32).fill(200));
export const CHAIN_ID = 31337n;
export const CONTRACT: LogContract = {
  chainId: CHAIN_ID,
  address: new Uint8Array(20).fill(0xc0),
  logId: new Uint8Array(32).fill(0x10),
};
/** When the block of the beacon was made, and the block of the anchor. */
export const BEACON_TIME = 1_750_000_000;
export const ANCHOR_TIME = 1_750_000_600;
export const BEACON = { blockNumber: 100n, blockHash: digest('block 100') };

/** Any 32 bytes, by name. */
export function digest(name: string): Uint8Array {
  return sha256(utf8ToBytes(name));
}

export interface Device {
  readonly urn: string;
  readonly signer: Signer;
}

export function makeDevice(seed: number, algorithm: Algorithm = 'Ed25519'): Device {
  const hex = seed.toString(16).padStart(2, '0');
  return {
    urn: `urn:dev:mac:0024befffe8040${hex}`,
    signer: createSigner(algorithm, new Uint8Array(32).fill(seed)),
  };
}

/** A statement of ten minutes before the anchor, with the beacon. */
export async function makeStatement(
  device: Device,
  fields: Partial<StatementFields> = {},
): Promise<Uint8Array> {
  return signStatement(
    {
      issuer: device.urn,
      subject: 'vitals',
      contentType: 112,
      issuedAt: BEACON_TIME + 5,
      seq: 0,
      beacon: BEACON,
      payload: Uint8Array.of(0x80),
      ...fields,
    },
    device.signer,
  );
}

/** Consecutive statements of one device, each naming the one before. */
export async function makeRun(device: Device, count: number, boot = 0): Promise<Uint8Array[]> {
  const run: Uint8Array[] = [];
  for (let seq = 0; seq < count; seq++) {
    const previous = run[seq - 1];
    run.push(await makeStatement(device, { boot, seq, ...(previous && { prev: hashEntry(previous) }) }));
  }
  return run;
}

/** A log over exactly these statements, anchored whole. */
export class Ledger {
  readonly statements: readonly Uint8Array[];
  readonly anchor: Anchor;
  readonly #leaves: readonly Uint8Array[];

  constructor(statements: readonly Uint8Array[]) {
    this.statements = statements;
    this.#leaves = statements.map((statement) => hashLeaf(hashEntry(statement)));
    this.anchor = {
      chainId: CHAIN_ID,
      contract: CONTRACT.address,
      logId: CONTRACT.logId,
      size: statements.length,
      root: computeRoot(this.#leaves),
      transactionHash: digest('transaction'),
      blockNumber: 150n,
      blockHash: digest('block 150'),
      blockTime: ANCHOR_TIME,
    };
  }

  /** What an honest verifier reads from the chain. */
  get facts(): ChainFacts {
    const block = { chainId: CHAIN_ID, ...BEACON, blockTime: BEACON_TIME };
    return { anchors: [{ ...this.anchor, final: true }], blocks: [block] };
  }

  /** The bare COSE Receipt of one statement. */
  async signReceipt(index: number, size: number = this.statements.length): Promise<Uint8Array> {
    const leaves = this.#leaves.slice(0, size);
    const path = proveInclusion(storeNodes(leaves), index, size);
    const fields = { origin: ORIGIN, subject: 'vitals', size, root: computeRoot(leaves), index, path };
    return signReceipt(fields, LOG_SIGNER);
  }

  /** The file a person keeps. */
  async exportReceipt(index: number, anchors: readonly Anchor[] = [this.anchor]): Promise<Uint8Array> {
    return attachReceipt(this.statements[index] as Uint8Array, await this.signReceipt(index), anchors);
  }

  /** A pack of these statements. */
  async exportPack(
    indices: readonly number[],
    anchors: readonly Anchor[] = [this.anchor],
  ): Promise<Uint8Array> {
    const { size, root } = this.anchor;
    const proof = proveMany(storeNodes(this.#leaves), indices, size);
    const receipt = await signPackReceipt(
      { origin: ORIGIN, subject: 'vitals', size, root, indices, proof },
      LOG_SIGNER,
    );
    return encodePack(
      indices.map((index) => this.statements[index] as Uint8Array),
      receipt,
      anchors,
    );
  }
}

/** A verifier that knows the log, its contract and these devices. */
export function trustIn(...devices: readonly Device[]): Trust {
  return {
    logs: [{ origin: ORIGIN, key: LOG_SIGNER.publicKey, contract: CONTRACT }],
    deviceKeys: devices.map(({ urn, signer }) => ({ device: urn, key: signer.publicKey })),
  };
}
