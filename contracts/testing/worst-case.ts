/** Gas of one proof hash beyond the hashing: 32 calldata bytes at 16, and the loop around it. */
const GAS_PER_PROOF_HASH = 32 * 16 + 140;
/** Gas of one SHA-256 of 65 bytes: precompile, call, memory. */
const GAS_PER_NODE = 240;
/** Gas of going one level up without a proof hash. */
const GAS_PER_SHIFT = 50;

/**
 * The earlier size from which growing to `to` leaves is dearest: the contract's loop, counted instead of run, for
 * each size from 1 to `to` - 1. The weights need to rank, not to predict; what is printed is measured.
 *
 * @param to A size up to 2^31.
 */
export function worstFrom(to: number): number {
  let worst = 1;
  let worstCost = 0;
  for (let from = 1; from < to; from++) {
    const cost = proofCost(from, to);
    if (cost > worstCost) [worst, worstCost] = [from, cost];
  }
  return worst;
}

function proofCost(from: number, to: number): number {
  let fn = from - 1;
  let sn = to - 1;
  let cost = (from & fn) === 0 ? 0 : GAS_PER_PROOF_HASH;
  for (; (fn & 1) === 1; fn >>>= 1, sn >>>= 1) cost += GAS_PER_SHIFT;
  for (; sn > 0; fn >>>= 1, sn >>>= 1) {
    const isRightChild = (fn & 1) === 1 || fn === sn;
    cost += GAS_PER_PROOF_HASH + (isRightChild ? 2 : 1) * GAS_PER_NODE;
    if (!isRightChild) continue;
    for (; (fn & 1) === 0 && fn !== 0; fn >>>= 1, sn >>>= 1) cost += GAS_PER_SHIFT;
  }
  return cost;
}
