import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeCbor } from '../src/cbor.ts';
import { deliveryAad } from '../src/delivery.ts';
import { decodeAnchor } from '../src/receipt/anchor.ts';
import { inBlock } from '../src/receipt/testing/event-block.ts';
import { createSigner } from '../src/signature.ts';
import { generateProviderKeys } from './keys.ts';
import { readInbox } from './readings.ts';
import { FakeDevice, type FakeGateway, NOW, ReceiverBench, seed } from './testing/fake-gateway.ts';

let bench: ReceiverBench;
let gateway: FakeGateway;
beforeEach(() => {
  bench = new ReceiverBench();
  gateway = bench.gateway;
});
afterEach(() => bench.close());

const indices = () => readInbox(bench.inbox).map(({ index }) => index);
const refusals = () => bench.inbox.refusals().map(({ index, code }) => [index, code]);

/** A device with its enrolment and two statements in the log. */
async function enrolled(name = 'a', algorithm: ConstructorParameters<typeof FakeDevice>[1] = 'Ed25519') {
  const device = new FakeDevice(name, algorithm);
  const entries = [
    await gateway.enrol(device),
    gateway.add(await device.state()),
    gateway.add(await device.state()),
  ];
  return { device, entries };
}

describe('statements', () => {
  it.each(['Ed25519', 'ESP256', 'ES256K'] as const)(
    'of a device enrolled in the same batch, signed with %s, are stored',
    async (algorithm) => {
      const { device, entries } = await enrolled('a', algorithm);
      const reply = await bench.deliver(gateway.statements(entries, { erased: [7] }));
      expect(reply).toEqual({ status: 200, code: 'stored', detail: '3 stored, 0 known, 0 refused' });
      bench.restart();
      expect(readInbox(bench.inbox)).toMatchObject([
        { index: 1, device: device.urn, seq: 0, patient: 'p-1', proof: 'unproven', bytes: entries[1]?.bytes },
        { index: 2, device: device.urn, seq: 1 },
      ]);
      expect(bench.inbox.counts()).toEqual({ statements: 2, refused: 0, proven: 0, erased: 1 });
    },
  );

  it('reach a reader once, however often and in whatever batches they come', async () => {
    const { entries } = await enrolled();
    const delivery = gateway.statements(entries);
    await Promise.all([bench.deliver(delivery), bench.deliver(delivery)]);
    const [first] = readInbox(bench.inbox, { limit: 1 });
    bench.restart();
    expect(await bench.deliver(delivery)).toMatchObject({
      status: 200,
      detail: '0 stored, 3 known, 0 refused',
    });
    expect(await bench.deliver(gateway.statements(entries.slice(2)))).toMatchObject({ status: 200 });
    const rest = readInbox(bench.inbox, { after: first?.position ?? 0 });
    expect([first, ...rest].map((item) => item?.index)).toEqual([1, 2]);
    expect(readInbox(bench.inbox, { after: rest.at(-1)?.position ?? 0 })).toEqual([]);
  });

  it('that are forged inside a valid delivery are kept apart, with the reason, and the others stored', async () => {
    const { device, entries } = await enrolled();
    const forged = Uint8Array.from(await device.state());
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
    const stranger = new FakeDevice('stranger');
    const impostor = new FakeDevice('impostor', 'Ed25519', device.urn);
    gateway.add(forged);
    gateway.add(await stranger.state());
    gateway.add(await impostor.state());
    gateway.add(seed('noise'));
    const reply = await bench.deliver(gateway.statements(gateway.entries));
    expect(reply).toMatchObject({ status: 200, detail: '3 stored, 0 known, 4 refused' });
    expect(indices()).toEqual([entries[1]?.index, entries[2]?.index]);
    expect(refusals().reverse()).toEqual([
      [3, 'bad-signature'],
      [4, 'unknown-device'],
      [5, 'unknown-key'],
      [6, 'malformed'],
    ]);
    expect(await bench.deliver(gateway.statements(gateway.entries))).toMatchObject({
      detail: '0 stored, 7 known, 0 refused',
    });
    expect(bench.inbox.refusals()).toHaveLength(4);
  });

  it('that come before their enrolment wait, and are believed when it comes', async () => {
    const { entries } = await enrolled();
    const [enrolment, ...statements] = entries;
    await bench.deliver(gateway.statements(statements));
    expect(refusals().map(([, code]) => code)).toEqual(['unknown-device', 'unknown-device']);
    bench.restart();
    expect(await bench.deliver(gateway.statements(enrolment === undefined ? [] : [enrolment]))).toMatchObject(
      { detail: '3 stored, 0 known, 0 refused' },
    );
    expect([indices(), refusals()]).toEqual([[1, 2], []]);
  });

  it('that are being judged while their enrolment comes are not left behind', async () => {
    const device = new FakeDevice('a');
    const enrolment = await gateway.enrol(device);
    const statements = [];
    for (let i = 0; i < 20; i++) statements.push(gateway.add(await device.state()));
    const [first, second] = [gateway.statements(statements), gateway.statements([enrolment])];
    await Promise.all([bench.deliver(first), bench.deliver(second)]);
    expect([indices().length, refusals()]).toEqual([20, []]);
  });

  it('of a key added later or of a device suspended, resumed, retired or revoked follow the order of the log', async () => {
    const { device } = await enrolled();
    const { urn } = device;
    const second = new FakeDevice('second key', 'ESP256', urn);
    const sign = async (key: FakeDevice) => gateway.add(await key.state());
    await sign(second);
    await gateway.event({ event: 'add-key', device: urn, key: second.signer.publicKey });
    await gateway.event({ event: 'suspend', device: urn });
    await sign(device);
    await gateway.event({ event: 'resume', device: urn });
    await gateway.event({ event: 'retire-key', device: urn, key: second.signer.publicKey });
    await sign(second);
    await sign(device);
    await gateway.event({ event: 'revoke', device: urn });
    await sign(device);
    await bench.deliver(gateway.statements(gateway.entries));
    expect(indices()).toEqual([1, 2, 10]);
    expect(refusals().reverse()).toEqual([
      [3, 'unknown-key'],
      [6, 'suspended-device'],
      [9, 'retired-key'],
      [12, 'revoked-device'],
    ]);
  });

  it('that contradict what is here are refused: a place taken, a place changed, a number used twice', async () => {
    const { device, entries } = await enrolled();
    const twin = new FakeDevice('a', 'Ed25519', device.urn);
    await bench.deliver(gateway.statements(entries));
    const other = await twin.state(seed('another payload'));
    const cases = [
      { ...gateway.add(await device.state()), index: 2 },
      { ...gateway.add(entries[1]?.bytes as Uint8Array), index: 8 },
      { ...gateway.add(other), index: 9 },
    ];
    await bench.deliver(gateway.statements(cases));
    expect(refusals().reverse()).toEqual([
      [2, 'index-conflict'],
      [8, 'index-conflict'],
      [9, 'equivocation'],
    ]);
    expect(indices()).toEqual([1, 2]);
  });
});

describe('device events', () => {
  it('of another key, another log, or forged, teach nothing', async () => {
    const device = new FakeDevice('a');
    const event = { event: 'enrol' as const, device: device.urn, key: device.signer.publicKey };
    await gateway.event(event, createSigner('Ed25519', seed('another key')));
    await gateway.event(event, gateway.logSigner, 'other.example/log');
    const { bytes } = await gateway.event(event);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    gateway.add(device.signer.publicKey.bytes, 'device-event');
    gateway.add(await device.state());
    await bench.deliver(gateway.statements(gateway.entries));
    expect(refusals().reverse()).toEqual([
      [0, 'unknown-key'],
      [1, 'wrong-issuer'],
      [2, 'bad-signature'],
      [3, 'malformed'],
      [4, 'unknown-device'],
    ]);
  });

  it('cannot add a key to a device the clinic has pinned, but can take one away', async () => {
    const { device, entries } = await enrolled();
    const pinned = new FakeDevice('pinned', 'ESP256', device.urn);
    bench.pinned.set(device.urn, [pinned.signer.publicKey]);
    gateway.add(await pinned.state());
    await gateway.event({ event: 'retire-key', device: device.urn, key: pinned.signer.publicKey });
    gateway.add(await pinned.state());
    await bench.deliver(gateway.statements(gateway.entries));
    expect(indices()).toEqual([3]);
    expect(refusals().reverse()).toEqual([
      [entries[1]?.index, 'unknown-key'],
      [entries[2]?.index, 'unknown-key'],
      [5, 'retired-key'],
    ]);
  });
});

describe('receipts', () => {
  it('prove what is here, and what comes later', async () => {
    const { entries } = await enrolled();
    await bench.deliver(gateway.statements(entries.slice(0, 2)));
    expect(await bench.deliver(await gateway.receipts(entries))).toMatchObject({
      status: 200,
      detail: '3 proven',
    });
    expect(readInbox(bench.inbox)).toMatchObject([{ index: 1, proof: 'included' }]);
    await bench.deliver(gateway.statements(entries.slice(2)));
    expect(readInbox(bench.inbox)).toMatchObject([
      { index: 1, proof: 'included' },
      { index: 2, proof: 'included' },
    ]);
  });

  it('prove an entry only at the place it was delivered for', async () => {
    const { entries } = await enrolled();
    const moved = entries.map((entry) => ({ ...entry, index: entry.index * 10 }));
    await bench.deliver(gateway.statements(moved));
    expect(await bench.deliver(await gateway.receipts(entries))).toMatchObject({ status: 200 });
    expect(readInbox(bench.inbox).map(({ proof }) => proof)).toEqual(['unproven', 'unproven']);
    expect(bench.inbox.counts().proven).toBe(0);
  });

  it('may carry the proof of the anchor’s event, which is checked and kept with it', async () => {
    const { entries } = await enrolled();
    await bench.deliver(gateway.statements(entries));
    const good = await gateway.receipts(entries);
    const anchor = inBlock(good.anchor);
    expect(await bench.deliver({ ...good, anchor })).toMatchObject({ status: 200 });
    const kept = bench.inbox.claimedAnchors().map((claimed) => decodeAnchor(decodeCbor(claimed.anchor)));
    expect(kept).toEqual([{ kind: 'ok', value: anchor }]);
  });

  it('that do not verify are answered 422, kept as evidence, and prove nothing', async () => {
    const { entries } = await enrolled();
    await bench.deliver(gateway.statements(entries));
    const good = await gateway.receipts(entries);
    const bent = good.proof.length > 0 ? good.proof : [seed('x')];
    const strange = new (gateway.constructor as typeof FakeGateway)();
    Object.assign(strange, { logSigner: createSigner('Ed25519', seed('another key')) });
    strange.entries.push(...gateway.entries);
    const cases = [
      [{ ...good, proof: [...bent, seed('more')] }, 'bad-proof'],
      [
        { ...good, entries: good.entries.map((one, at) => (at === 0 ? { ...one, entry: seed('y') } : one)) },
        'bad-proof',
      ],
      [{ ...good, anchor: { ...good.anchor, size: 99 } }, 'wrong-anchor'],
      [{ ...good, anchor: { ...good.anchor, root: seed('z') } }, 'wrong-anchor'],
      [{ ...good, anchor: { ...inBlock(good.anchor), blockHash: seed('block') } }, 'wrong-anchor'],
      [{ ...good, anchor: inBlock(good.anchor, { logs: [] }) }, 'wrong-anchor'],
      [{ ...good, checkpoint: (await strange.receipts(entries)).checkpoint }, 'bad-checkpoint'],
      [{ ...good, checkpoint: 'nonsense' }, 'bad-checkpoint'],
    ] as const;
    for (const [delivery, code] of cases)
      expect(await bench.deliver(delivery)).toMatchObject({ status: 422, code });
    expect(readInbox(bench.inbox).map(({ proof }) => proof)).toEqual(['unproven', 'unproven']);
    expect(bench.inbox.refusals().map(({ kind }) => kind)).toEqual(Array(8).fill('receipts'));
  });

  it('of a log that signs two roots of one size are a fork', async () => {
    const { device, entries } = await enrolled();
    await bench.deliver(await gateway.receipts(entries));
    gateway.entries[2] = { ...(gateway.entries[2] as (typeof entries)[number]), bytes: await device.state() };
    expect(await bench.deliver(await gateway.receipts(gateway.entries))).toMatchObject({
      status: 422,
      code: 'fork',
    });
  });
});

describe('what is not a delivery of this gateway for this provider, now', () => {
  it('is turned away before anything is opened or stored', async () => {
    const { entries } = await enrolled();
    const delivery = gateway.statements(entries);
    const good = await gateway.post(delivery);
    const flipped = Uint8Array.from(good.body);
    flipped[40] = (flipped[40] as number) ^ 1;
    const { publicKey } = generateProviderKeys();
    const stranger = createSigner('Ed25519', seed('stranger'));
    const cases = [
      ['no signature', { headers: {} as typeof good.headers, body: good.body }, 401, 'missing-header'],
      ['a changed body', { ...good, body: flipped }, 401, 'bad-signature'],
      ['another key', await gateway.post(delivery, { signer: stranger }), 401, 'bad-signature'],
      ['a replay after ten minutes', await gateway.post(delivery, { at: NOW - 600_000 }), 401, 'stale'],
      ['one from the future', await gateway.post(delivery, { at: NOW + 600_000 }), 401, 'stale'],
      ['another recipient', await gateway.post(delivery, { recipient: publicKey }), 421, 'cannot-open'],
      [
        'another provider',
        await gateway.post(delivery, { aad: deliveryAad({ ...delivery, provider: 'clinic-b' }) }),
        421,
        'cannot-open',
      ],
      ['a changed ciphertext, signed', await gateway.sign(delivery.batch, flipped), 421, 'cannot-open'],
      ['another batch id', await gateway.sign('dlv_other', good.body), 421, 'cannot-open'],
      ['an empty body', await gateway.sign(delivery.batch, new Uint8Array()), 421, 'cannot-open'],
      ['a batch id with a space', await gateway.sign('dlv other', good.body), 400, 'malformed'],
      [
        'a body that names another',
        await gateway.post({ ...delivery, provider: 'clinic-b' }, { aad: deliveryAad(delivery) }),
        400,
        'malformed',
      ],
    ] as const;
    for (const [name, posted, status, code] of cases) {
      expect(await bench.receive(posted), name).toMatchObject({ status, code });
    }
    expect(bench.inbox.counts()).toEqual({ statements: 0, refused: 0, proven: 0, erased: 0 });
    expect(await bench.receive(good)).toMatchObject({ status: 200 });
  });
});
