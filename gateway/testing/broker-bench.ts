/** The real broker in front of a real log. */

import type { CloseReason, PauseReason } from '../ingest/close-reason.ts';
import type { BrokerLimits } from '../ingest/limits.ts';
import { MqttBroker, type MqttBrokerOptions } from '../ingest/mqtt-broker.ts';
import { DEFAULT_LIMITS } from './default-limits.ts';
import { type BenchOptions, LogBench, TEST_ORIGIN } from './log-bench.ts';
import { RawMqtt } from './raw-mqtt.ts';
import type { Wearable } from './wearable.ts';

export type BrokerBenchOptions = BenchOptions &
  Partial<Omit<MqttBrokerOptions, 'limits'>> & { readonly limits?: Partial<BrokerLimits> };

export class BrokerBench {
  readonly bench: LogBench;
  readonly broker: MqttBroker;
  readonly closes: CloseReason[] = [];
  connections = 0;
  port = 0;
  #closed = false;

  readonly pauses: PauseReason[] = [];
  tlsPort = 0;

  constructor(options: BrokerBenchOptions = {}) {
    this.bench = new LogBench(options);
    this.broker = new MqttBroker({
      endpoints: [{ host: '127.0.0.1', port: 0, setting: 'mqtt.port' }],
      maxConnections: 100,
      maxPacketBytes: 16_384,
      authentication: {
        policy: 'none',
        audience: TEST_ORIGIN,
        tokenMaxSeconds: 600,
        tokenLeewaySeconds: 300,
      },
      registry: this.bench.registry,
      intake: {
        submit: (inbound) => this.bench.intake.submit(inbound),
        room: () => this.bench.intake.room(),
      },
      clock: this.bench.clock,
      monotonic: this.bench.clock,
      logger: this.bench.logger,
      onClose: (reason) => this.closes.push(reason),
      onPause: (reason) => this.pauses.push(reason),
      onConnections: (count) => {
        this.connections = count;
      },
      ...options,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
    });
    this.bench.onGap = (device, gap) => this.broker.requestResend(device, [gap]);
    this.bench.onDeviceChanged = (device) => this.broker.deviceChanged(device);
  }

  static async start(options?: BrokerBenchOptions): Promise<BrokerBench> {
    const bench = new BrokerBench(options);
    const { port, tlsPort } = await bench.broker.listen();
    bench.port = port;
    bench.tlsPort = tlsPort;
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
