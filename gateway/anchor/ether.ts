/** Amounts of ether as people read them. */
const WEI_PER_ETHER = 1e18;

/** Ether, never with an exponent, to six digits that count: `0.0000816`, `9999.99`. */
export function showEther(wei: bigint): string {
  const ether = Number(wei) / WEI_PER_ETHER;
  return ether.toLocaleString('en-US', { useGrouping: false, maximumSignificantDigits: 6 });
}
