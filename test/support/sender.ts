/** A device as small as it can be: it signs, publishes, and keeps its own record of what was acknowledged. */
import { connect, type MqttClient } from 'mqtt';
import { decimal } from '../../src/decimal.ts';
import { encodeSenml } from '../../src/senml.ts';
import type { Signer } from '../../src/signature.ts';
import { hashEntry, type StatementFields, signStatement } from '../../src/statement.ts';

const RECONNECT_MS = 100;

/** A SenML pack of one heart rate. */
export function heartRate(beats: number): Uint8Array {
  const value = { kind: 'number', value: decimal(String(beats)) } as const;
  return encodeSenml([{ name: 'hr', unit: '1/min', value }]);
}

export class Sender {
  readonly urn: string;
  readonly signer: Signer;
  /** Every statement ever signed, by its sequence number. */
  readonly statements: Uint8Array[] = [];
  /** Sequence numbers for which a PUBACK came. */
  readonly acknowledged = new Set<number>();
  #client: MqttClient | undefined;
  #load: Promise<void>[] = [];
  #stopping = false;

  constructor(urn: string, signer: Signer) {
    this.urn = urn;
    this.signer = signer;
  }

  get topic(): string {
    return `wearables/${this.urn}/statements`;
  }

  /** Goes online and stays so: after a broken connection everything not acknowledged is sent again. */
  async connect(url: string): Promise<void> {
    const client = connect(url, {
      protocolVersion: 4,
      username: this.urn,
      clientId: this.urn,
      reconnectPeriod: RECONNECT_MS,
      reconnectOnConnackError: true,
    });
    client.on('error', () => undefined);
    this.#client = client;
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  }

  /** Hears what the gateway publishes on a topic, from now on and after every reconnection. */
  async listen(topic: string, onMessage: (payload: Uint8Array) => void): Promise<void> {
    if (this.#client === undefined) throw new Error('not connected');
    this.#client.on('message', (of, payload) => {
      if (of === topic) onMessage(Uint8Array.from(payload));
    });
    await this.#client.subscribeAsync(topic);
  }

  /** Signs the next statement and returns its sequence number. */
  async sign(fields: Partial<StatementFields> = {}): Promise<number> {
    const seq = this.statements.length;
    const before = this.statements[seq - 1];
    const statement = await signStatement(
      {
        issuer: this.urn,
        subject: 'vitals',
        contentType: 112,
        issuedAt: Math.floor(Date.now() / 1000),
        seq,
        ...(before === undefined ? {} : { prev: hashEntry(before) }),
        payload: heartRate(50 + (seq % 100)),
        ...fields,
      },
      this.signer,
    );
    this.statements.push(statement);
    return seq;
  }

  /** Publishes a statement signed before; resolves at its PUBACK, however many connections later. */
  async publish(seq: number): Promise<void> {
    const client = this.#client;
    const statement = this.statements[seq];
    if (client === undefined || statement === undefined) throw new Error('not connected, or not signed');
    while (!(await this.#publishOnce(client, statement))) {
      if (this.#client !== client) throw new Error('disconnected');
    }
    this.acknowledged.add(seq);
  }

  /** False when the library gave it up: it does with what it meets while a connection breaks as it is being resumed. */
  async #publishOnce(client: MqttClient, statement: Uint8Array): Promise<boolean> {
    return client.publishAsync(this.topic, Buffer.from(statement), { qos: 1 }).then(
      () => true,
      () => false,
    );
  }

  /** Signs and publishes; resolves with the sequence number at the PUBACK. */
  async send(fields: Partial<StatementFields> = {}): Promise<number> {
    const seq = await this.sign(fields);
    await this.publish(seq);
    return seq;
  }

  /** Sends without a pause, so many statements in flight, until `stopLoad`. Each has what `fields` gives it. */
  startLoad(inFlight: number, fields: () => Partial<StatementFields> = () => ({})): void {
    this.#stopping = false;
    let signing: Promise<unknown> = Promise.resolve();
    const worker = async (): Promise<void> => {
      while (!this.#stopping) {
        const signed = signing.then(() => this.sign(fields())); // one after another: each names the one before
        signing = signed;
        await this.publish(await signed);
      }
    };
    this.#load = Array.from({ length: inFlight }, worker);
  }

  /** Resolves once everything sent has been acknowledged. */
  async stopLoad(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#load);
  }

  async disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.endAsync(true);
  }
}
