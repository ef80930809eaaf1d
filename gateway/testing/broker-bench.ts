/** The real broker in front of a real log. */
import { type CloseReason, MqttBroker, type MqttBrokerOptions } from '../ingest/mqtt-broker.ts';
import { type BenchOptions, LogBench } from './log-bench.ts';
import { RawMqtt } from './raw-mqtt.ts';
import type { Wearable } from './wearable.ts';

export class BrokerBench {
  readonly bench: LogBench;
  readonly broker: MqttBroker;
  readonly closes: CloseReason[] = [];
  connections = 0;
  port = 0;
  #closed = false;

  constructor(
    options: BenchOptions & Partial<Pick<MqttBrokerOptions, 'maxConnections' | 'maxPacketBytes'>> = {},
  ) {
    this.bench = new LogBench(options);
    this.broker = new MqttBroker({
      host: '127.0.0.1',
      port: 0,
      maxConnections: options.maxConnections ?? 100,
      maxPacketBytes: options.maxPacketBytes ?? 16_384,
      intake: {
        submit: (inbound) => this.bench.intake.submit(inbound),
        room: () => this.bench.intake.room(),
      },
      clock: this.bench.clock,
      logger: this.bench.logger,
      onClose: (reason) => this.closes.push(reason),
      onConnections: (count) => {
        this.connections = count;
      },
    });
    this.bench.onGap = (device, gap) => this.broker.requestResend(device, [gap]);
  }

  static async start(options?: ConstructorParameters<typeof BrokerBench>[0]): Promise<BrokerBench> {
    const bench = new BrokerBench(options);
    bench.port = await bench.broker.listen();
    return bench;
  }

  /** A decent connection of a device. */
  join(wearable: Wearable | string, clientId = 'c'): Promise<RawMqtt> {
    const username = typeof wearable === 'string' ? wearable : wearable.urn;
    return RawMqtt.join(this.port, { clientId: `${clientId} ${username}`, username });
  }

  async closeBroker(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.broker.close();
  }

  async close(): Promise<void> {
    await this.closeBroker();
    await this.bench.close();
  }
}
