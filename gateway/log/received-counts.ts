/**
 * Messages that were judged, by device, until they are written. A message that leaves no trace in the store, a duplicate above all,
 * must not cost an fsync: its count waits here for a write that happens anyway. What waits when the process is killed is lost.
 *
 * Counts follow the transaction that they were made in: those of one that is rolled back never were, since their messages come again.
 */
export class ReceivedCounts {
  /** Of committed transactions, not written yet. */
  readonly #waiting = new Map<number, number>();
  /** Of the transaction under way: counted, and written. */
  readonly #added = new Map<number, number>();
  readonly #written = new Map<number, number>();

  /** Devices with counts that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Inside a transaction. A message that is judged twice is taken back by a negative count. */
  add(device: number, count: number): void {
    addTo(this.#added, device, count);
  }

  /** Inside a transaction: what the caller is to write for a device now. */
  take(device: number): number {
    if (this.#waiting.size === 0 && this.#added.size === 0) return 0;
    const count =
      (this.#waiting.get(device) ?? 0) + (this.#added.get(device) ?? 0) - (this.#written.get(device) ?? 0);
    if (count !== 0) addTo(this.#written, device, count);
    return count;
  }

  /** Inside a transaction that writes anyway: what the caller is to write for the devices that wait longest, at most `limit`. */
  takeSome(limit: number): [device: number, count: number][] {
    const devices = [...this.#added.keys()];
    for (const device of this.#waiting.keys()) {
      if (devices.length >= limit) break;
      devices.push(device);
    }
    return devices.flatMap((device) => {
      const count = this.take(device);
      return count === 0 ? [] : [[device, count] as [number, number]];
    });
  }

  committed(): void {
    if (this.#added.size === 0 && this.#written.size === 0) return;
    for (const [device, count] of this.#added) addTo(this.#waiting, device, count);
    for (const [device, count] of this.#written) addTo(this.#waiting, device, -count);
    this.rolledBack();
  }

  rolledBack(): void {
    this.#added.clear();
    this.#written.clear();
  }
}

function addTo(counts: Map<number, number>, device: number, count: number): void {
  const sum = (counts.get(device) ?? 0) + count;
  if (sum === 0) counts.delete(device);
  else counts.set(device, sum);
}
