/** Brokers that take the same load without checking or keeping it as the gateway does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { RawMqtt, SUBACK, subscribePacket } from '../../gateway/testing/raw-mqtt.ts';
import { startProgram } from '../../test/support/command.ts';
import { freePort } from '../../test/support/free-port.ts';
import { findProgram } from '../../test/support/installed.ts';
import { until } from '../../test/support/wait.ts';

export interface Peer {
  readonly port: number;
  end(): Promise<void>;
}

/** aedes as it comes. */
export async function startBareAedes(): Promise<Peer> {
  const program = startProgram(process.execPath, [join(import.meta.dirname, 'bare-aedes.ts')]);
  const port = await until('port of the bare broker', () => Number(program.out()) || undefined);
  return {
    port,
    end: async () => {
      program.kill('SIGTERM');
      await program.exited;
    },
  };
}

/**
 * mosquitto with persistence on and its other settings as they come, and one subscriber of everything that is away with a session
 * that lasts: every message is kept for it. Undefined where mosquitto is not installed.
 */
export async function startMosquitto(): Promise<Peer | undefined> {
  const file = findProgram('mosquitto');
  if (file === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'vitalseal-bench-mosquitto-'));
  mkdirSync(join(directory, 'store'));
  const port = await freePort();
  const settings = [
    ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', `user ${userInfo().username}`],
    ...['persistence true', `persistence_location ${join(directory, 'store')}/`],
    ...['max_queued_messages 0', 'max_queued_bytes 0', 'log_type none'],
  ];
  writeFileSync(join(directory, 'mosquitto.conf'), settings.join('\n'));
  const program = startProgram(file, ['-c', join(directory, 'mosquitto.conf')]);
  const subscriber = await until('answer from mosquitto', () =>
    RawMqtt.join(port, { clientId: 'keeper', clean: false }),
  );
  subscriber.send(subscribePacket(['wearables/#']));
  await subscriber.receive(SUBACK);
  subscriber.destroy();
  return {
    port,
    end: async () => {
      program.kill('SIGTERM');
      await program.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
