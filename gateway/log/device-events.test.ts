import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { keyId } from '../../src/cose/key.ts';
import { decodeLogStatement, type LogStatement, type LogStatementEnvelope } from '../../src/log-statement.ts';
import { verifySignature } from '../../src/signature.ts';
import { keyText, LogBench, TEST_LOG_SIGNER, TEST_ORIGIN } from '../testing/log-bench.ts';
import { signerFrom, Wearable } from '../testing/wearable.ts';

let bench: LogBench;
const wearable = new Wearable(1);
const device = wearable.urn;
const enrolment = {
  action: 'enrol',
  device,
  patient: 'p-1',
  provider: 'clinic',
  key: keyText(wearable.signer.publicKey),
};

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

/** The device events of the log, each with its signature verified. */
async function eventsInLog(): Promise<(LogStatement & LogStatementEnvelope)[]> {
  const events: (LogStatement & LogStatementEnvelope)[] = [];
  for (let index = 0; index < (await bench.log.reader.size()); index++) {
    const entry = await bench.log.reader.entry(index);
    if (entry?.kind !== 'device-event') continue;
    const decoded = decodeLogStatement(entry.bytes as Uint8Array);
    if (decoded.kind === 'reject') throw new Error(decoded.detail);
    const { signedBytes, signature, algorithm } = decoded.value;
    expect(verifySignature(algorithm, TEST_LOG_SIGNER.publicKey.bytes, signedBytes, signature)).toBe(true);
    events.push(decoded.value);
  }
  return events;
}

const told = (events: readonly LogStatement[]) =>
  events.map((event) =>
    event.kind === 'device-event'
      ? [event.event, event.key === undefined ? '' : bytesToHex(keyId(event.key))].join(' ').trim()
      : event.kind,
  );
const kidOf = (word: string) => bytesToHex(keyId(signerFrom(word).publicKey));
const addKey = (word: string) => ({ action: 'add-key', device, key: keyText(signerFrom(word).publicKey) });

test('each change is a signed leaf of the log, in the transaction that makes it', async () => {
  const kid = kidOf(device);
  const outcomes = [
    ...(await bench.request(enrolment)),
    ...(await bench.request(addKey('second'))),
    ...(await bench.request({ action: 'retire-key', device, kid })),
    ...(await bench.request({ action: 'suspend', device })),
    ...(await bench.request({ action: 'resume', device })),
    ...(await bench.request({ action: 'revoke', device })),
  ];
  expect(outcomes).toEqual(['', '', '', '', '', '']);
  const events = await eventsInLog();
  expect(told(events)).toEqual([
    `enrol ${kid}`,
    `add-key ${kidOf('second')}`,
    `retire-key ${kid}`,
    'suspend',
    'resume',
    'revoke',
  ]);
  const time = Math.floor(bench.clock.now() / 1000);
  for (const event of events) expect(event).toMatchObject({ origin: TEST_ORIGIN, device, time });
  expect(new Set(events.map((event) => bytesToHex(event.cti))).size).toBe(6);
});

test('an enrolled device, its keys and its patient are what was asked for', async () => {
  await bench.request(enrolment);
  expect(bench.log.registry.lists.summary(device)).toEqual({
    device,
    patient: 'p-1',
    provider: 'clinic',
    status: 'active',
    enrolledAt: bench.clock.now(),
    lastSeen: null,
    statements: 0,
    received: 0,
    missing: 0,
    expected: 0,
    ownCadence: null,
    silentAt: null,
  });
  const entry = await bench.log.reader.entry(0);
  expect(entry).toMatchObject({ kind: 'device-event', device, patient: 'p-1', provider: 'clinic' });
});

describe('refusals change nothing and say why', () => {
  test.each([
    ['twice', [enrolment], enrolment, 'urn:dev:mac:000000000001 is enrolled already'],
    ['not enrolled', [], { action: 'suspend', device }, 'urn:dev:mac:000000000001 is not enrolled'],
    [
      'revoked',
      [enrolment, { action: 'revoke', device }],
      { action: 'resume', device },
      'urn:dev:mac:000000000001 has been revoked, for good',
    ],
    ['not suspended', [enrolment], { action: 'resume', device }, 'urn:dev:mac:000000000001 is not suspended'],
    [
      'the same key',
      [enrolment],
      { action: 'add-key', device, key: enrolment.key },
      'urn:dev:mac:000000000001 has this key already',
    ],
    [
      'no such key',
      [enrolment],
      { action: 'retire-key', device, kid: '0000000000000000' },
      'urn:dev:mac:000000000001 has no such key in use',
    ],
    [
      'retired already',
      [enrolment, { action: 'retire-key', device }],
      { action: 'retire-key', device },
      'urn:dev:mac:000000000001 has no such key in use',
    ],
  ])('%s', async (_name, before, request, why) => {
    for (const earlier of before) expect(await bench.request(earlier)).toEqual(['']);
    const size = await bench.log.reader.size();
    expect(await bench.request(request)).toEqual([why]);
    expect(await bench.log.reader.size()).toBe(size);
  });

  test.each([
    ['not JSON', '{', /JSON/],
    ['null', 'null', /null|device/],
    ['no device', '{"action":"enrol"}', /^device: must be a device URN/],
    ['another action', JSON.stringify({ action: 'drop', device }), /^action: unknown \(drop\)$/],
    ['a bad patient', JSON.stringify({ ...enrolment, patient: '../x' }), /^patient: must be a pseudonym/],
    ['no patient', JSON.stringify({ ...enrolment, patient: '' }), /^patient: must be a pseudonym/],
    ['a bad provider', JSON.stringify({ ...enrolment, provider: 'a b' }), /^provider: must be a provider id/],
    ['no key', JSON.stringify({ ...enrolment, key: 'AAAA' }), /^key: /],
    [
      'a key that is no text',
      JSON.stringify({ ...enrolment, key: 5 }),
      /^key: must be a COSE_Key in base64$/,
    ],
    ['a bad kid', JSON.stringify({ action: 'retire-key', device, kid: 'XY' }), /^kid: must be a key id/],
  ])('a request that cannot be read: %s', async (_name, text, why) => {
    const [id] = bench.log.registry.requests.add([text]);
    await bench.log.deviceEvents.process();
    expect(bench.log.registry.requests.outcome(id as number)).toMatch(why);
    expect(await bench.log.reader.size()).toBe(0);
    expect(bench.log.registry.requests.waiting(10)).toEqual([]);
  });
});

describe('requests that enter together', () => {
  test('are carried out in their order, each seeing what the ones before it did', async () => {
    expect(
      await bench.request(enrolment, enrolment, addKey('second'), { action: 'suspend', device }),
    ).toEqual(['', 'urn:dev:mac:000000000001 is enrolled already', '', '']);
    expect(bench.log.registry.device(device)?.status).toBe('suspended');
  });

  test('no key is retired without its event in the log, also one added just before', async () => {
    await bench.request(enrolment);
    expect(await bench.request(addKey('second'), { action: 'retire-key', device })).toEqual(['', '']);
    const row = bench.log.registry.device(device);
    const keys = bench.log.registry.keys.of(row?.id ?? -1);
    expect(keys.map((key) => key.retiredAt)).toEqual([bench.clock.now(), bench.clock.now()]);
    const retired = told(await eventsInLog()).filter((line) => line.startsWith('retire-key'));
    expect(retired.sort()).toEqual([`retire-key ${kidOf(device)}`, `retire-key ${kidOf('second')}`].sort());
  });

  test('a key is retired once, although two requests name it', async () => {
    await bench.request(enrolment, addKey('second'));
    const outcomes = await bench.request(
      { action: 'retire-key', device, kid: kidOf('second') },
      { action: 'retire-key', device },
    );
    expect(outcomes).toEqual(['', '']);
    const retired = told(await eventsInLog()).filter((line) => line.startsWith('retire-key'));
    expect(retired.sort()).toEqual([`retire-key ${kidOf(device)}`, `retire-key ${kidOf('second')}`].sort());
  });

  test('more than one reading of the table holds are all carried out', async () => {
    const fleet = Array.from({ length: 260 }, (_, i) => ({
      ...enrolment,
      device: `urn:dev:os:1-${i + 1}`,
    }));
    const outcomes = await bench.request(...fleet);
    expect(outcomes.every((outcome) => outcome === '')).toBe(true);
    expect(bench.log.registry.lists.count()).toBe(260);
    expect(await bench.log.reader.size()).toBe(260);
  });

  test('calls while one is under way join it', async () => {
    bench.log.registry.requests.add([JSON.stringify(enrolment)]);
    await Promise.all([bench.log.deviceEvents.process(), bench.log.deviceEvents.process()]);
    expect(await bench.log.reader.size()).toBe(1);
  });
});

test('a request that meets a full disk waits, and is carried out when there is room', async () => {
  const [id] = bench.log.registry.requests.add([JSON.stringify(enrolment)]);
  const pages = Number(bench.db.pragma('page_count', { simple: true }));
  bench.db.pragma(`max_page_count = ${pages}`);
  // Enough requests that their rows need a page more than there is.
  const fill = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ ...enrolment, device: `urn:dev:os:1-${i + 1}`, patient: `p-${i}` }),
  );
  expect(() => bench.log.registry.requests.add([...fill, ...fill, ...fill])).toThrow(/disk is full/);
  await expect(
    Promise.all([
      bench.log.deviceEvents.process(),
      bench.log.committer.run(() => {
        throw new Error('no room');
      }),
    ]),
  ).rejects.toMatchObject({ code: expect.stringMatching(/store-unavailable|disk-full/) });
  bench.db.pragma('max_page_count = 1000000');
  await bench.log.deviceEvents.process();
  expect(bench.log.registry.requests.outcome(id as number)).toBe('');
  expect(bench.log.registry.device(device)?.status).toBe('active');
});

test('a device whose patient was erased stops no other: its requests are refused, the others carried out', async () => {
  const other = new Wearable(2);
  await bench.request(enrolment, {
    ...enrolment,
    device: other.urn,
    patient: 'p-2',
    key: keyText(other.signer.publicKey),
  });
  await erase('p-1');
  const outcomes = await bench.request(
    { action: 'suspend', device },
    { action: 'suspend', device: other.urn },
    { ...enrolment, device: 'urn:dev:os:1-9' },
  );
  expect(outcomes).toEqual([
    'the patient of urn:dev:mac:000000000001 has been erased',
    '',
    'patient p-1 has been erased',
  ]);
  bench.registry.invalidate(other.urn);
  await bench.request({ action: 'resume', device: other.urn });
  const results = await Promise.allSettled([
    bench.submit(device, await wearable.next()),
    bench.submit(other, await other.next()),
  ]);
  expect(results).toMatchObject([
    { status: 'rejected', reason: { code: 'key-unreadable' } },
    { status: 'fulfilled', value: { kind: 'accept' } },
  ]);
});

/** No part of the gateway erases yet; this is what erasing does. */
async function erase(patient: string): Promise<void> {
  const { folder } = bench;
  bench.db.prepare('UPDATE owners SET wrapped = NULL WHERE name = ?').run(patient);
  await bench.log.close();
  bench.db.close();
  const cleanUp = bench;
  bench = new LogBench({ folder });
  const close = bench.close.bind(bench);
  bench.close = async () => {
    await close();
    await cleanUp.close();
  };
}
