/** A store with something of everything in it: the ground that the damage tests stand on. */
import { bytesToHex } from '../../../src/bytes.ts';
import { keyId } from '../../../src/cose/key.ts';
import { inBlock } from '../../../src/receipt/testing/event-block.ts';
import { createSigner } from '../../../src/signature.ts';
import type { GatewayConfig } from '../../config-schema.ts';
import type { AnchorRecord, Batch, Checkpoint } from '../../ports.ts';
import { keyText, Scene, TestDevice, type TestFolder } from './scene.ts';

/** The devices of a store, by what becomes of them. */
function newDevices() {
  return {
    steady: new TestDevice(1),
    gappy: new TestDevice(2, 'ESP256'),
    rotated: new TestDevice(3, 'ES256K'),
    suspended: new TestDevice(4),
    revoked: new TestDevice(5),
  };
}

type Devices = ReturnType<typeof newDevices>;

/** The devices as they were new, to name them and to sign in their name. */
export const DEVICES: Devices = newDevices();

/** Where things stand in the store. */
export interface LivedIn {
  readonly config: GatewayConfig;
  readonly size: number;
  /** Sizes of the checkpoints, the last one anchored and final. */
  readonly checkpoints: readonly number[];
}

/** Writes the store through the real code and closes it. */
export async function liveIn(folder: TestFolder): Promise<LivedIn> {
  const scene = new Scene(folder.config());
  const { log, anchors, deliveries } = scene.store;
  const devices = newDevices();
  const { steady, gappy, rotated, suspended, revoked } = devices;
  const sealed: Checkpoint[] = [await log.sealer.seal(undefined)];
  await scene.enrol(steady, 'ann');
  await scene.enrol(gappy, 'ben', 'hospital');
  await scene.enrol(rotated, 'ann');
  await scene.enrol(suspended, 'cleo');
  await scene.enrol(revoked, 'dora');
  await scene.send(steady, 300);
  await makeGaps(scene, devices);
  sealed.push(await log.sealer.seal({ blockNumber: 5n, blockHash: new Uint8Array(32).fill(5) }));
  await rotate(scene, devices);
  await scene.send(suspended, 40);
  await scene.send(revoked, 10);
  await equivocate(scene, devices);
  await scene.request(
    { action: 'suspend', device: revoked.urn },
    { action: 'revoke', device: revoked.urn, reason: 'lost' },
  );
  await scene.send(steady, 170);
  await refuse(scene);
  sealed.push(await log.sealer.seal(undefined));
  await scene.send(steady, 5);
  await log.deviceEvents.process();
  for (const [at, checkpoint] of sealed.entries())
    await anchors.save(anchorOf(checkpoint, at === 2 ? 'final' : 'anchored'));
  await deliver(deliveries, sealed[2]?.size ?? 0);
  const size = await log.reader.size();
  await scene.store.close();
  return { config: scene.config, size, checkpoints: sealed.map((checkpoint) => checkpoint.size) };
}

async function makeGaps(scene: Scene, { gappy }: Devices): Promise<void> {
  await scene.send(gappy, 20);
  gappy.skip(3);
  await scene.send(gappy, 10);
  gappy.skip(1);
  await scene.send(gappy, 1);
  gappy.reboot();
  gappy.skip(2);
  await scene.send(gappy, 4);
}

async function rotate(scene: Scene, { rotated }: Devices): Promise<void> {
  await scene.send(rotated, 20);
  const old = rotated.signer;
  rotated.signer = createSigner('Ed25519', new Uint8Array(32).fill(33));
  await scene.request({ action: 'add-key', device: rotated.urn, key: keyText(rotated.signer) });
  const kid = bytesToHex(keyId(old.publicKey));
  const effective = Math.floor(scene.clock.now() / 1000) - 5;
  await scene.request({ action: 'retire-key', device: rotated.urn, kid, effective, reason: 'stolen' });
  await scene.send(rotated, 20);
}

/** Two statements under one number: kept as evidence, and the device is suspended. */
async function equivocate(scene: Scene, { suspended }: Devices): Promise<void> {
  suspended.seq -= 1;
  await scene.submit(suspended.urn, await suspended.state(scene.clock.now(), 'another'));
  await scene.store.log.deviceEvents.process();
}

/** Refusals of strangers and of a known device, one of them too long to be kept whole. */
async function refuse(scene: Scene): Promise<void> {
  await scene.submit('urn:dev:mac:ffffffffffffffff', Buffer.from('garbage'));
  await scene.submit(DEVICES.steady.urn, new Uint8Array(100_001));
  await scene.submit(DEVICES.gappy.urn, Buffer.from('garbage of a known device'));
}

export function anchorOf(checkpoint: Checkpoint, state: 'anchored' | 'final'): AnchorRecord {
  const target = {
    chainId: 31337n,
    contract: new Uint8Array(20).fill(1),
    logId: new Uint8Array(32).fill(2),
  };
  const transactionHash = new Uint8Array(32).fill(checkpoint.size % 251);
  const { size, root } = checkpoint;
  const blockHash = new Uint8Array(32).fill(4);
  return {
    size,
    root,
    target,
    transactionHash,
    sender: new Uint8Array(20).fill(3),
    nonce: 1,
    fee: { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n },
    submittedAt: checkpoint.sealedAt,
    submittedBlock: 6n,
    state,
    gasUsed: 80_000n,
    anchor: inBlock({
      ...{ ...target, size, root, transactionHash, blockHash },
      ...{ blockNumber: 7n, blockTime: 1_767_000_000 },
    }),
  };
}

async function deliver(store: Scene['store']['deliveries'], anchored: number): Promise<void> {
  const batch: Batch = {
    id: 'clinic-1',
    provider: 'clinic',
    kind: 'statements',
    from: 1,
    to: 60,
    mode: 'live',
    createdAt: 1,
    attempts: 0,
    refusals: 0,
    nextAttemptAt: 0,
  };
  await store.begin(batch);
  await store.complete('clinic-1');
  await store.begin({ ...batch, id: 'clinic-2', from: 61, to: 90 });
  await store.bury('clinic-2', 'refused', 5);
  await store.begin({ ...batch, id: 'clinic-3', from: 91, to: 120 });
  const anchor = new Uint8Array(32).fill(anchored % 251);
  await store.begin({ ...batch, id: 'clinic-4', kind: 'receipts', from: 1, to: 60, anchor });
}
