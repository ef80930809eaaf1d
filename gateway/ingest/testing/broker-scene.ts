/** The embedded broker in front of a real log, with two enrolled devices: what its tests stand on. */
import { afterEach, beforeEach, expect } from 'vitest';
import { BrokerBench, type BrokerBenchOptions } from '../../testing/broker-bench.ts';
import { PUBACK, publishPacket } from '../../testing/raw-mqtt.ts';
import { Wearable } from '../../testing/wearable.ts';

export const statementsOf = (device: Wearable) => `wearables/${device.urn}/statements`;
export const acksOf = (device: Wearable) => `wearables/${device.urn}/acks`;

/** Made anew before each test; a test that needs other settings restarts it. */
export class BrokerScene {
  bench!: BrokerBench;
  wearable!: Wearable;
  other!: Wearable;

  /** Call at the top of a test file; use the result inside tests only. */
  static use(): BrokerScene {
    const scene = new BrokerScene();
    beforeEach(async () => {
      scene.bench = await BrokerBench.start();
      scene.wearable = new Wearable(1);
      scene.other = new Wearable(2);
      await scene.bench.bench.enrol(scene.wearable);
      await scene.bench.bench.enrol(scene.other, 'p-2');
    });
    afterEach(() => scene.bench.close());
    return scene;
  }

  /** Another broker on another log; of the devices only `other` is enrolled. */
  async restart(options: BrokerBenchOptions): Promise<void> {
    await this.bench.close();
    this.bench = await BrokerBench.start(options);
    await this.bench.bench.enrol(this.other);
  }

  /** Statements in the log. */
  readings(): number {
    return this.bench.bench.count('entries', "kind = 'statement'");
  }

  /** Codes in quarantine. */
  refusals(): string[] {
    return this.bench.bench.log.quarantine.list(100).map((row) => row.code);
  }

  /** Another device sends and is acknowledged: nobody was harmed. */
  async expectUnharmed(): Promise<void> {
    const link = await this.bench.join(this.other, `bystander ${Math.random()}`);
    const before = this.readings();
    link.send(publishPacket(statementsOf(this.other), await this.other.next(), { id: 77 }));
    expect((await link.receive(PUBACK)).body.readUInt16BE(0)).toBe(77);
    expect(this.readings()).toBe(before + 1);
    link.destroy();
  }
}
