import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decimal } from '../src/decimal.ts';
import { encodeSenml } from '../src/senml.ts';
import { describeEntry, readInbox } from './readings.ts';
import { FakeDevice, ReceiverBench } from './testing/fake-gateway.ts';

let bench: ReceiverBench;
beforeEach(() => {
  bench = new ReceiverBench();
});
afterEach(() => bench.close());

describe('readInbox', () => {
  it('shows numbers with the digits the device signed, and leaves other payloads alone', async () => {
    const { gateway } = bench;
    const device = new FakeDevice('a');
    const pack = encodeSenml([
      {
        baseTime: decimal('1893456000.5'),
        name: 'temp',
        unit: 'Cel',
        value: { kind: 'number', value: decimal('36.60') },
      },
      { name: 'note', value: { kind: 'string', value: 'at rest' } },
      { name: 'test-data', value: { kind: 'boolean', value: true } },
      { name: 'raw', value: { kind: 'data', value: new Uint8Array(3) } },
    ]);
    await gateway.enrol(device);
    gateway.add(await device.state(pack, 112), 'statement', { flags: ['test-data'] });
    gateway.add(await device.state(new Uint8Array([1]), 'application/octet-stream'));
    await bench.deliver(gateway.statements(gateway.entries));
    const [first, second] = readInbox(bench.inbox);
    const time = '1893456000.5';
    expect(first).toMatchObject({ subject: 'vitals', contentType: 112, flags: ['test-data'] });
    expect(first?.readings).toEqual([
      { name: 'temp', unit: 'Cel', value: '36.60', time },
      { name: 'note', value: 'at rest', time },
      { name: 'test-data', value: true, time },
      { name: 'raw', value: { bytes: 3 }, time },
    ]);
    expect(second).toMatchObject({ contentType: 'application/octet-stream', readings: [] });
  });

  it('does not take an enrolment for a reading', async () => {
    const entry = await bench.gateway.enrol(new FakeDevice('a'));
    await bench.deliver(bench.gateway.statements([entry]));
    expect(readInbox(bench.inbox)).toEqual([]);
    const { hashEntry } = await import('../src/statement.ts');
    const stored = bench.inbox.find(hashEntry(entry.bytes));
    expect(stored?.kind).toBe('device-event');
    expect(() => stored && describeEntry(stored)).toThrow(TypeError);
  });
});
