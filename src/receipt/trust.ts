/** What a verifier brings along: whom it trusts, and what it has read from a chain itself. Plain data. */
import type { PublicKey } from '../cose/key.ts';
import type { Anchor } from './anchor.ts';
import type { FinalitySource } from './answer.ts';

/** Where a log anchors. */
export interface LogContract {
  readonly chainId: bigint;
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** 32 bytes. */
  readonly logId: Uint8Array;
}

/** A log the verifier knows. A log whose key was changed is listed once for each key. */
export interface TrustedLog {
  readonly origin: string;
  /** Ed25519. */
  readonly key: PublicKey;
  /** The one contract its anchors count in. Without it an anchor of this state is a time, but no proof: a contract may take any history. */
  readonly contract?: LogContract;
}

/**
 * A device's key and when it counts, in seconds since the Unix epoch. A device is listed once for each key; the
 * list must hold every key of the devices it names, because another key is taken as not theirs.
 */
export interface TrustedDeviceKey {
  /** The device's URN. */
  readonly device: string;
  readonly key: PublicKey;
  /** When it was enrolled. */
  readonly validFrom?: number;
  /** From when it is out of use, in good order: what it signed before stays good. */
  readonly retiredAt?: number;
  /** From when it may have been in other hands: only what provably existed by then stays good. */
  readonly revokedAt?: number;
  /** Origin of the log that the two sizes are of. */
  readonly log?: string;
  /**
   * So many entries that log had at `retiredAt`, or at `revokedAt`: whatever stands at a smaller index existed by then. The order of
   * the log speaks where no anchor falls between the statement and the end, and where the device has no clock.
   */
  readonly retiredAtSize?: number;
  readonly revokedAtSize?: number;
}

export interface Trust {
  readonly logs: readonly TrustedLog[];
  readonly deviceKeys: readonly TrustedDeviceKey[];
}

/** An `Anchored` event that the verifier found on a chain it trusts, with the block and transaction it stands in. */
export interface AnchorFact extends Anchor {
  /** Whether that block is final on that chain: it will not be reorganised away. */
  readonly final: boolean;
}

/** A block of a chain the verifier trusts. */
export interface BlockFact {
  readonly chainId: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Uint8Array;
  /** Seconds since the Unix epoch. */
  readonly blockTime: number;
}

/**
 * The hash of a block of a chain, from any source the verifier trusts with it: a node of its own, a block explorer, a newspaper. Together with
 * the proof of an anchor's event (event-proof.ts) it does what looking the event up does.
 */
export interface TrustedBlock {
  readonly chainId: bigint;
  readonly blockNumber: bigint;
  /** 32 bytes. */
  readonly blockHash: Uint8Array;
  /** Whether the source says that the block will not be reorganised away. */
  readonly final: boolean;
  /** Whether it was read from the chain, or is the verifier's own word. Of what is final the chain has the last word. */
  readonly source: FinalitySource;
}

/** A size that a contract holds no root for, by a node that has the block the receipt names. */
export type MissingAnchor = Pick<Anchor, 'chainId' | 'contract' | 'logId' | 'size'>;

/**
 * What the verifier has read from chains it trusts, from one source or several: all that speak of a thing must agree. Never fill it from a
 * receipt: then it proves nothing.
 */
export interface ChainFacts {
  readonly anchors: readonly AnchorFact[];
  readonly blocks?: readonly BlockFact[];
  readonly missing?: readonly MissingAnchor[];
  /** At the height of an anchor's block, where one that has another hash than the anchor says speaks against it; or of a beacon's. */
  readonly trustedBlocks?: readonly TrustedBlock[];
}
