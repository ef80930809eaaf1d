/** A simulated wearable speaks plain MQTT 3.1.1: another broker carries its statements byte for byte. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../device-sim/device.ts';
import { encodeCbor } from '../src/cbor.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { decodeStatement } from '../src/statement.ts';
import { endPrograms, runProgram, startProgram } from './support/command.ts';
import { freePort } from './support/free-port.ts';
import { findProgram, missingNote } from './support/installed.ts';
import { heartRate } from './support/sender.ts';
import { until } from './support/wait.ts';

const PROGRAMS = ['mosquitto', 'mosquitto_pub', 'mosquitto_sub'];
const note = missingNote(PROGRAMS);
const WEARERS: readonly (readonly [Algorithm, string])[] = [
  ['Ed25519', 'urn:dev:mac:0024befffe80b001'],
  ['ESP256', 'urn:dev:ow:10e2073a0108b002'],
  ['ES256K', 'urn:dev:os:32473-b003'],
];

describe.skipIf(note !== '')(`a device on mosquitto${note}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'vitalseal-mosquitto-'));
  const devices: Device[] = [];
  let port: number;
  let server: readonly string[];

  const startBroker = (): void => {
    const program = findProgram('mosquitto') ?? '';
    startProgram(program, ['-c', join(directory, 'mosquitto.conf')]);
  };

  beforeAll(async () => {
    port = await freePort();
    server = ['-h', '127.0.0.1', '-p', String(port)];
    writeFileSync(
      join(directory, 'mosquitto.conf'),
      `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_type error\n`,
    );
    startBroker();
    await until('mosquitto', async () => {
      const subscribed = await runProgram('mosquitto_sub', [
        ...reader('first', 'wearables/+/statements'),
        '-E',
      ]);
      return subscribed.code === 0;
    });
    for (const [at, [algorithm, urn]] of WEARERS.entries()) {
      const fresh = () => ({ urn, algorithm, secretKey: new Uint8Array(32).fill(at + 1) });
      devices.push(await Device.open({ folder: join(directory, String(at)), fresh }));
    }
  }, 60_000);

  afterAll(async () => {
    for (const device of devices) await device.close();
    await endPrograms();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A session that stays: the broker keeps for this reader whatever is published. */
  function reader(name: string, topic: string): string[] {
    return [...server, '-i', name, '-c', '-q', '1', '-t', topic];
  }

  it('publishes statements that a subscriber receives exactly as they were signed', async () => {
    const beacon = join(directory, 'beacon');
    writeFileSync(beacon, encodeCbor([17, new Uint8Array(32).fill(7), 1_750_000_000]));
    await runProgram('mosquitto_pub', [...server, '-t', 'wearables/beacon', '-q', '1', '-r', '-f', beacon]);
    for (const device of devices) {
      // Recorded before there is a connection: the outbox is what is sent.
      for (let beat = 0; beat < 3; beat++)
        await device.record({ subject: 'vitals', payload: heartRate(60 + beat), issuedAt: 1.7e9 });
      device.connect({ url: `mqtt://127.0.0.1:${port}` });
      await device.drained();
    }
    const { out } = await runProgram('mosquitto_sub', [
      ...reader('first', 'wearables/+/statements'),
      ...['-C', '9', '-W', '20', '-F', '%t %x'],
    ]);
    const received = out.trim().split('\n').toSorted();
    const sent: string[] = [];
    for (const device of devices) {
      for (let seq = 0; seq < 3; seq++) {
        const statement = await device.store.read({ boot: 0, seq });
        sent.push(`wearables/${device.urn}/statements ${Buffer.from(statement ?? []).toString('hex')}`);
      }
    }
    expect(received).toEqual(sent.toSorted());
  });

  it('hears the beacon and a request to send again', async () => {
    const [device] = devices;
    if (device === undefined) throw new Error('there is no device');
    await until('a statement with the beacon', async () => {
      const { seq } = await device.record({ subject: 'vitals', payload: heartRate(70) });
      const statement = decodeStatement((await device.store.read({ boot: 0, seq })) ?? new Uint8Array());
      return statement.kind === 'ok' && statement.value.beacon?.blockNumber === 17n;
    });
    await device.drained();
    const only = reader('second', `wearables/${device.urn}/statements`);
    await runProgram('mosquitto_sub', [...only, '-E']);
    const request = join(directory, 'request');
    writeFileSync(request, encodeCbor(new Map([['resend', [[0, 1, 1]]]])));
    const topic = `wearables/${device.urn}/requests`;
    await runProgram('mosquitto_pub', [...server, '-t', topic, '-q', '1', '-f', request]);
    const again = await runProgram('mosquitto_sub', [...only, '-C', '1', '-W', '20', '-F', '%x']);
    const statement = await device.store.read({ boot: 0, seq: 1 });
    expect(again).toMatchObject({ code: 0, out: `${Buffer.from(statement ?? []).toString('hex')}\n` });
  });
});
