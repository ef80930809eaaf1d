/** Against mosquitto as Debian has it, and a real log: what is taken, what is acknowledged, and what stays with the broker. */
import { resolve } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { missingNote } from '../../../test/support/installed.ts';
import { Mosquitto } from '../../../test/support/mosquitto.ts';
import { GatewayError } from '../../errors.ts';
import type { Inbound, Intake, Verdict } from '../../ports.ts';
import { openDatabase } from '../../store/database.ts';
import { Wearable } from '../../testing/wearable.ts';
import { eventually, MosquittoScene } from './testing/mosquitto-scene.ts';

const note = missingNote(['mosquitto']);
const scene = MosquittoScene.use();

describe.skipIf(note !== '')(`statements through mosquitto${note}`, () => {
  beforeEach(async () => {
    scene.mosquitto = await Mosquitto.start();
    scene.publisher = await scene.join();
  });

  test('of several devices are in the log in order, and the broker has nothing left', async () => {
    const devices = [scene.wearable, new Wearable(2), new Wearable(3)];
    for (const device of devices.slice(1)) await scene.bench.enrol(device);
    const broker = await scene.opened();
    for (let round = 0; round < 20; round++)
      for (const device of devices) await scene.publish(device, [await device.next()]);
    await eventually(() => expect(scene.readings()).toBe(60));
    await eventually(() =>
      expect(broker.view()).toMatchObject({ received: 60, inFlight: 0, redelivered: 0 }),
    );
    expect(scene.bench.verdicts).toEqual(
      Array(60).fill(expect.objectContaining({ kind: 'accept', flags: [] })),
    );
    await broker.close();
    // A new start is sent nothing: everything was acknowledged.
    const again = await scene.opened();
    await scene.publish(scene.wearable, [await scene.wearable.next()]);
    await eventually(() => expect(again.view()).toMatchObject({ received: 1, redelivered: 0 }));
  });

  test('wait at the broker while there is no gateway, and a broker that is away is only waited for', async () => {
    await (await scene.opened()).close();
    await scene.publish(scene.wearable, await scene.wearable.skip(300));
    expect(scene.readings()).toBe(0);
    await scene.mosquitto.stop();
    const broker = scene.open();
    await eventually(() => expect(broker.view().sessions[0]?.lastError).toMatch(/ECONNREFUSED/));
    await scene.mosquitto.restart();
    await eventually(() => expect(scene.readings()).toBe(300));
    expect(scene.bench.gaps).toEqual([]);
  });

  test('are many in flight on one connection, and none is acknowledged before its verdict', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        await gate.promise;
        return scene.bench.intake.submit(inbound);
      },
    };
    const broker = await scene.opened({ intake: gated });
    const statements = await scene.wearable.skip(80);
    await scene.publish(scene.wearable, statements);
    await eventually(() => expect(broker.view().inFlight).toBe(80));
    // The broker must hold every one of them still, and so sends every one again on the next connection.
    await scene.mosquitto.stop();
    await scene.mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ redelivered: 80, inFlight: 80 }));
    expect(scene.readings()).toBe(0);
    gate.resolve();
    await eventually(() => expect(broker.view().inFlight).toBe(0));
    expect(scene.bench.verdicts.map(({ kind }) => kind).toSorted()).toEqual([
      ...Array(80).fill('accept'),
      ...Array(80).fill('ignore'),
    ]);
    expect(scene.readings()).toBe(80);
    // When a later packet of ours has come out at the other side, the broker has read the acknowledgements before it.
    scene.publisher = await scene.join();
    const passed = new Promise((pass) => scene.publisher.once('message', pass));
    await scene.publisher.subscribeAsync('wearables/+/requests', { qos: 1 });
    broker.requestResend(scene.wearable.urn, [{ boot: 0, from: 0, to: 0 }]);
    await passed;
    await scene.mosquitto.stop();
    await scene.mosquitto.restart();
    await eventually(() => expect(broker.view()).toMatchObject({ connected: 1, reconnects: 2 }));
    expect(broker.view().redelivered).toBe(80);
  });

  test('stay in flight within the bound, whatever the broker sends', async () => {
    const gate = Promise.withResolvers<void>();
    let submitted = 0;
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        submitted += 1;
        if (submitted > 20) await gate.promise;
        return scene.bench.intake.submit(inbound);
      },
    };
    await (await scene.opened()).close();
    await scene.publish(scene.wearable, await scene.wearable.skip(500));
    const broker = await scene.opened({ intake: gated, receiveMaximum: 50, keepaliveSeconds: 1 });
    // Once some were acknowledged, mosquitto 2.0.11 sends all that a resumed session holds, whatever it was told.
    await eventually(() => expect(submitted).toBe(70));
    // Long enough for more, if more came, and for the package to take the connection for dead.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect([submitted, broker.view().inFlight, broker.view().reconnects]).toEqual([70, 50, 0]);
    gate.resolve();
    await eventually(() => expect(scene.readings()).toBe(500));
  });

  test('wait for room, and keep their order', async () => {
    const submitted: Inbound[] = [];
    let free = 0;
    let waiting = Promise.withResolvers<void>();
    const narrow: Intake = {
      room: () => (free > 0 ? undefined : waiting.promise),
      submit: (inbound) => {
        free -= 1;
        submitted.push(inbound);
        return scene.bench.intake.submit(inbound);
      },
    };
    const broker = await scene.opened({ intake: narrow });
    const statements = await scene.wearable.skip(30);
    await scene.publish(scene.wearable, statements);
    await eventually(() => expect(broker.view().inFlight).toBe(30));
    expect(submitted).toEqual([]);
    for (let turn = 0; turn < 10; turn++) {
      free = 3;
      const { resolve } = waiting;
      waiting = Promise.withResolvers();
      resolve();
      await eventually(() => expect(submitted).toHaveLength(3 * (turn + 1)));
    }
    expect(submitted.map(({ bytes }) => Buffer.from(bytes))).toEqual(statements.map((b) => Buffer.from(b)));
    await eventually(() => expect(broker.view().inFlight).toBe(0));
  });

  test('are not acknowledged while the store fails, and are taken once when it works again', async () => {
    scene.bench.db.pragma('busy_timeout = 20');
    const holder = openDatabase(resolve(scene.bench.folder, 'gateway.db'), []);
    holder.exec('BEGIN IMMEDIATE');
    const broker = await scene.opened();
    await scene.publish(scene.wearable, await scene.wearable.skip(5));
    await eventually(() => expect(broker.view().failures).toBeGreaterThan(10));
    expect(broker.view()).toMatchObject({ inFlight: 5, received: 5, reconnects: 0 });
    expect(scene.readings()).toBe(0);
    holder.exec('COMMIT');
    holder.close();
    await eventually(() => expect(broker.view().inFlight).toBe(0));
    expect(scene.readings()).toBe(5);
    expect(broker.view().received).toBe(5);
    const lines = scene.bench.logger.lines.filter(({ message }) =>
      /statements from the broker/.test(message),
    );
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']); // not one for each attempt
  });

  test('one that always fails holds up no other', async () => {
    const [poison, ...others] = await scene.wearable.skip(20);
    const failing: Intake = {
      room: () => undefined,
      submit: (inbound): Promise<Verdict> =>
        Buffer.from(inbound.bytes).equals(poison as Uint8Array)
          ? Promise.reject(new GatewayError('store-unavailable', 'never'))
          : scene.bench.intake.submit(inbound),
    };
    const broker = await scene.opened({ intake: failing });
    await scene.publish(scene.wearable, [poison as Uint8Array, ...others]);
    await eventually(() => expect(scene.readings()).toBe(19));
    await eventually(() => expect(broker.view().inFlight).toBe(1));
    await broker.close(); // and keeps nobody from stopping
    await scene.opened();
    await eventually(() => expect(scene.readings()).toBe(20));
  });

  test('in hand at a stop are finished and acknowledged; the rest stays for the next start', async () => {
    const broker = await scene.opened();
    const statements = await scene.wearable.skip(200);
    const sending = scene.publish(scene.wearable, statements);
    await eventually(() => expect(scene.readings()).toBeGreaterThan(0));
    await broker.close();
    const taken = scene.readings();
    await sending;
    expect(scene.readings()).toBe(taken);
    const again = await scene.opened();
    await eventually(() => expect(scene.readings()).toBe(200));
    await eventually(() => expect(again.view().inFlight).toBe(0));
    expect(again.view().received).toBe(200 - taken); // nothing of what was finished came again
  });

  test('that the log is at when the gateway stops are waited for', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: Intake = {
      room: () => undefined,
      submit: async (inbound) => {
        await gate.promise;
        return scene.bench.intake.submit(inbound);
      },
    };
    const broker = await scene.opened({ intake: gated });
    await scene.publish(scene.wearable, await scene.wearable.skip(5));
    await eventually(() => expect(broker.view().inFlight).toBe(5));
    let isClosed = false;
    const closing = broker.close().then(() => {
      isClosed = true;
    });
    // What others send meanwhile goes all the way to mosquitto and back.
    for (let times = 0; times < 20; times++) await scene.publisher.publishAsync('elsewhere', 'x', { qos: 1 });
    expect(isClosed).toBe(false);
    gate.resolve();
    await closing;
    expect(scene.readings()).toBe(5);
    const again = await scene.opened();
    await scene.publish(scene.wearable, [await scene.wearable.next()]);
    await eventually(() => expect(scene.readings()).toBe(6));
    expect(again.view()).toMatchObject({ received: 1, redelivered: 0 });
  });
});
