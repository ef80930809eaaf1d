/**
 * The three signature algorithms of a statement, under their fully-specified COSE names (RFC 9864, RFC 8812).
 * Each fixes curve, hash and signature form, so an algorithm alone says how a key and a signature are read.
 */
export type Algorithm = 'Ed25519' | 'ESP256' | 'ES256K';

/** Every one of them. */
export const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];

/** COSE algorithm identifiers, as written. */
export const ALGORITHM_IDS: Readonly<Record<Algorithm, number>> = { Ed25519: -19, ESP256: -9, ES256K: -47 };

const BY_ID: ReadonlyMap<number, Algorithm> = new Map<number, Algorithm>([
  [-19, 'Ed25519'],
  [-8, 'Ed25519'],
  [-9, 'ESP256'],
  [-7, 'ESP256'],
  [-47, 'ES256K'],
]);

/**
 * The algorithm that a COSE `alg` value names, or `undefined` for one that is not spoken here. The older, polymorphic
 * -8 (EdDSA) and -7 (ES256) are read as the one curve they stand for in the field (RFC 9864 section 4.2).
 */
export function algorithmFromId(id: number): Algorithm | undefined {
  return BY_ID.get(id);
}
