/** MQTT clients by other people, each of which publishes a file at QoS 1 and says what came back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'mqtt';
import { runProgram } from './command.ts';

/** What a client saw. */
export interface Published {
  /** PUBACKs, by the client's own account. */
  readonly pubacks: number;
  /** The payload on the device's `acks` topic, where the client can listen and send on one connection. */
  readonly answer?: Uint8Array;
}

export interface MqttClientProgram {
  readonly name: string;
  /** Programs, or files by their full path, that must be installed. */
  readonly needs: readonly string[];
  /** Publishes the file to the device's `statements` topic. Throws when the client says that it failed. */
  publish(mqttUrl: string, urn: string, file: string): Promise<Published>;
}

const statementsOf = (urn: string): string => `wearables/${urn}/statements`;

/** Runs a command-line client, which must succeed, and counts the lines in which it reports a PUBACK. */
async function runClient(program: string, args: readonly string[], puback: RegExp): Promise<Published> {
  const { code, out, err } = await runProgram(program, args);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${err}${out}`);
  const lines = `${out}\n${err}`.split('\n');
  return { pubacks: lines.filter((line) => puback.test(line)).length };
}

/** The two example programs of the C paho library take the same arguments; each is linked to another half of it. */
function pahoC(program: string): MqttClientProgram {
  return {
    name: program,
    needs: [program],
    publish: (mqttUrl, urn, file) => {
      const { hostname, port } = new URL(mqttUrl);
      const where = ['-h', hostname, '-p', port, '-V', '311', '-u', urn, '-i', program];
      const what = ['-t', statementsOf(urn), '-q', '1', '-f', file, '--trace', 'protocol'];
      return runClient(program, [...where, ...what], /<- PUBACK msgid: ?\d+/);
    },
  };
}

export const MQTT_CLIENTS: readonly MqttClientProgram[] = [
  {
    name: 'mosquitto_pub',
    needs: ['mosquitto_pub'],
    publish: (mqttUrl, urn, file) => {
      const { hostname, port } = new URL(mqttUrl);
      const where = ['-h', hostname, '-p', port, '-V', 'mqttv311', '-u', urn, '-i', 'mosquitto-pub'];
      const what = ['-d', '-q', '1', '-t', statementsOf(urn), '-f', file];
      return runClient('mosquitto_pub', [...where, ...what], /received PUBACK/);
    },
  },
  {
    name: 'mqtt.js',
    needs: [],
    publish: async (mqttUrl, urn, file) => {
      const client = connect(mqttUrl, { protocolVersion: 4, username: urn, clientId: 'mqtt.js' });
      let pubacks = 0;
      client.on('packetreceive', ({ cmd }) => {
        if (cmd === 'puback') pubacks += 1;
      });
      const answered = new Promise<Buffer>((resolve) =>
        client.once('message', (_topic, payload) => resolve(payload)),
      );
      try {
        await client.subscribeAsync(`wearables/${urn}/acks`);
        await client.publishAsync(statementsOf(urn), readFileSync(file), { qos: 1 });
        return { pubacks, answer: await answered };
      } finally {
        await client.endAsync();
      }
    },
  },
  {
    name: 'paho for Python',
    // The distribution's own Python is the one that has the package, whichever comes first on the path.
    needs: ['/usr/bin/python3', '/usr/lib/python3/dist-packages/paho/mqtt/client.py'],
    publish: async (mqttUrl, urn, file) => {
      const { hostname, port } = new URL(mqttUrl);
      const script = join(import.meta.dirname, 'paho-publish.py');
      const args = [script, hostname, port, urn, statementsOf(urn), file];
      const { code, out, err } = await runProgram('/usr/bin/python3', args);
      if (code !== 0) throw new Error(`paho for Python ended with ${code}: ${err}`);
      const answer = /^ack ([0-9a-f]*)$/m.exec(out)?.[1] ?? '';
      return { pubacks: out.split('\n').filter((line) => line === 'puback').length, answer: unhex(answer) };
    },
  },
  pahoC('paho_cs_pub'),
  pahoC('paho_c_pub'),
];

function unhex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
