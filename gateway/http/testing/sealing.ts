/** A gateway over HTTP with something in its log: what the tests of the interface stand on. */
import { expect, vi } from 'vitest';
import { GatewayBench } from '../../testing/gateway-bench.ts';
import { PUBACK, publishPacket } from '../../testing/raw-mqtt.ts';
import { spoil, Wearable } from '../../testing/wearable.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Sends statements over one connection and waits for each acknowledgement. */
export async function send(
  bench: GatewayBench,
  wearable: Wearable,
  statements: readonly Uint8Array[],
): Promise<void> {
  const link = await bench.join(wearable);
  const topic = `wearables/${wearable.urn}/statements`;
  link.send(Buffer.concat(statements.map((bytes, at) => publishPacket(topic, bytes, { id: at + 1 }))));
  for (const _ of statements) await link.receive(PUBACK);
  link.destroy();
}

/** The index of a device's statement in the log. */
export function indexOf(bench: GatewayBench, wearable: Wearable, seq: number): number {
  const query = bench.db.prepare(
    'SELECT e.idx FROM entries e JOIN devices d ON d.id = e.device WHERE d.urn = ? AND e.seq = ?',
  );
  return Number(query.pluck().get(wearable.urn, seq));
}

/** Resolves once a checkpoint covers more than so many entries. */
export async function sealedPast(bench: GatewayBench, size: number): Promise<void> {
  await vi.waitFor(() => {
    if (bench.count('checkpoints', `size > ${size}`) === 0) throw new Error('not sealed yet');
  });
}

export async function problem(
  response: Response,
): Promise<{ type: string; status: number; detail?: string }> {
  expect(response.headers.get('content-type')?.split(';')[0]).toBe(PROBLEM_TYPE);
  const body = (await response.json()) as { type: string; status: number };
  expect(body.status).toBe(response.status);
  return body;
}

/** A gateway that seals all the time, with readings of two patients whose providers differ, and one refusal. */
export interface Sealing {
  readonly bench: GatewayBench;
  /** The device of patient alice, whose provider is clinic. */
  readonly alices: Wearable;
  /** The device of patient bob, whose provider is other. */
  readonly bobs: Wearable;
  readonly paths: Readonly<Record<string, string>>;
}

/** Whoever starts it closes its bench. */
export async function startSealing(): Promise<Sealing> {
  const bench = await GatewayBench.start({ checkpointEverySeconds: 0.05 });
  const [alices, bobs] = [new Wearable(1, 'ESP256'), new Wearable(2, 'ES256K')];
  await bench.enrol(alices, 'alice', 'clinic');
  await bench.enrol(bobs, 'bob', 'other');
  await send(bench, alices, await alices.skip(3));
  await send(bench, bobs, [...(await bobs.skip(1)), spoil(await bobs.sign({ seq: 7 }))]);
  await sealedPast(bench, indexOf(bench, bobs, 0));
  const paths = {
    status: '/v1/status',
    alice: `/v1/receipts/${indexOf(bench, alices, 0)}`,
    aliceByNumber: `/v1/devices/${alices.urn}/statements/2/receipt`,
    bob: `/v1/receipts/${indexOf(bench, bobs, 0)}`,
    event: '/v1/receipts/0',
    devices: '/v1/devices',
    device: `/v1/devices/${alices.urn}`,
    quarantine: '/v1/quarantine',
    deadLetters: '/v1/dead-letters',
  };
  return { bench, alices, bobs, paths };
}
