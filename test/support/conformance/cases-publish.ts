/** PUBLISH and its acknowledgements: MQTT 3.1.1 sections 3.3 to 3.7, 4.3, 4.4, 4.6 to 4.8. */
import { except, joined, type MqttCase, mayExcept, or, TOPIC } from './case.ts';
import { CONTROLS, ILL_FORMED } from './ill-formed.ts';

const MANY = 50;

const taken: MqttCase[] = [
  joined('4.3.1-1', 'publish: QoS 0', 'paho', [`> 30 ~ ${TOPIC} 'payload'`], 'open'),
  joined('4.3.2-2', 'publish: QoS 1', 'paho', [`> 32 ~ ${TOPIC} 1234 'payload'`, '< 40 02 1234'], 'open'),
  joined(
    '4.3.2-2',
    'publish: QoS 1, DUP',
    'mosquitto',
    [`> 3a ~ ${TOPIC} 1234 'payload'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.3.2-2',
    'publish: QoS 1, the id again after its PUBACK',
    'standard',
    [`> 32 ~ ${TOPIC} 1234 'one'`, '< 40 02 1234', `> 32 ~ ${TOPIC} 1234 'two'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '2.3.1-1',
    'publish: QoS 1, id 65535',
    'standard',
    [`> 32 ~ ${TOPIC} ffff 'payload'`, '< 40 02 ffff'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2',
    'paho',
    [`> 34 ~ ${TOPIC} 1234 'payload'`, '< 50 02 1234', '> 62 02 1234', '< 70 02 1234'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2, DUP',
    'mosquitto',
    [`> 3c ~ ${TOPIC} 1234 'payload'`, '< 50 02 1234', '> 62 02 1234', '< 70 02 1234'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2, again before PUBREL',
    'standard',
    [
      `> 34 ~ ${TOPIC} 1234 'payload'`,
      '< 50 02 1234',
      `> 3c ~ ${TOPIC} 1234 'payload'`,
      '< 50 02 1234',
      '> 62 02 1234',
      '< 70 02 1234',
    ],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2, PUBREL again',
    'aedes',
    [
      `> 34 ~ ${TOPIC} 1234 'payload'`,
      '< 50 02 1234',
      '> 62 02 1234',
      '< 70 02 1234',
      '> 62 02 1234',
      '< 70 02 1234',
    ],
    'open',
  ),
  joined('3.3.1-5', 'publish: retained', 'mosquitto', [`> 31 ~ ${TOPIC} 'payload'`], 'open'),
  joined('3.3.1-11', 'publish: retained, nothing in it', 'mosquitto', [`> 31 ~ ${TOPIC}`], 'open'),
  joined(
    '4.3.2-2',
    'publish: nothing in it',
    'mqtt-packet',
    [`> 32 ~ ${TOPIC} 1234`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.3.2-2',
    'publish: 100,000 bytes',
    'standard',
    [`> 32 ~ ${TOPIC} 1234 '${'x'.repeat(100_000)}'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.2.0-1',
    'publish: a segment for each byte',
    'standard',
    [`>. 32 ~ ${TOPIC} 1234 'payload'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.6.0-2',
    `publish: ${MANY} in one segment, acknowledged in order`,
    'standard',
    [
      `> ${numbers()
        .map((id) => `32 ~ ${TOPIC} ${id} 'payload'`)
        .join(' | ')}`,
      ...numbers().map((id) => `< 40 02 ${id}`),
    ],
    'open',
  ),
  joined(
    '3.12.4-1',
    'publish: PINGREQ right behind it',
    'standard',
    [`> 30 ~ ${TOPIC} 'payload' | c000`, '< d000'],
    'open',
  ),
  joined(
    '3.14.4-3',
    'publish: behind a DISCONNECT',
    'standard',
    [`> e000 | 32 ~ ${TOPIC} 1234 'payload'`],
    'closed',
  ),
];

function numbers(): string[] {
  return Array.from({ length: MANY }, (_, at) => (at + 1).toString(16).padStart(4, '0'));
}

const malformed: MqttCase[] = (
  [
    ['4.7.3-1', 'an empty topic', `30 ~ "" 'payload'`],
    ['3.3.1-2', 'QoS 0, DUP', `38 ~ ${TOPIC} 'payload'`],
    ['3.3.1-4', 'QoS 3', `36 ~ ${TOPIC} 'payload'`],
    ['3.3.1-4', 'QoS 3 and an id', `36 ~ ${TOPIC} 1234 'payload'`],
    ['3.3.1-4', 'QoS 3, DUP, retained', `3f ~ ${TOPIC} 1234 'payload'`],
    ['2.3.1-1', 'QoS 1, id 0', `32 ~ ${TOPIC} 0000 'payload'`],
    ['2.3.1-1', 'QoS 2, id 0', `34 ~ ${TOPIC} 0000 'payload'`],
    ['2.3.1-1', 'QoS 1, no id', `32 ~ ${TOPIC}`],
    ['2.3.1-1', 'QoS 1, half an id', `32 ~ ${TOPIC} 12`],
    ['3.3.2-1', 'no topic', '30 00'],
    ['3.3.2-1', 'half a length of the topic', '30 01 00'],
    ['3.3.2-1', 'a topic longer than the packet', "30 ~ ffff 'topic'"],
    ['3.3.2-2', 'a + in the topic', `30 ~ "wearables/+/statements" 'payload'`],
    ['3.3.2-2', 'a # in the topic', `30 ~ "wearables/#" 'payload'`],
    ['3.3.2-2', 'a + at the beginning of the topic', `30 ~ "+opic" 'payload'`],
    ['2.2.3', 'a length of five bytes', `30 ffffffff7f ${TOPIC} 'payload'`],
  ] as const
).map(([clause, id, packet]) => joined(clause, `publish: ${id}`, 'mosquitto', [`> ${packet}`], 'closed'));

const texts: MqttCase[] = [
  ...ILL_FORMED.map(([name, hex]) =>
    joined(
      '3.3.2-1',
      `topic: with ${name}`,
      'mosquitto',
      [`> 30 ~ ['wearables/{device}/statements' ${hex}] 'payload'`],
      'closed',
    ),
  ),
  ...CONTROLS.map(([name, hex]) =>
    joined(
      '1.5.3',
      `topic: with ${name}`,
      'mosquitto',
      [`> 30 ~ ['wearables/{device}/statements' ${hex}] 'payload'`],
      'either',
    ),
  ),
];

const elsewhere: MqttCase[] = [
  ['TopicA', 'paho'],
  ['/', 'mosquitto'],
  ['A𪛔', 'mosquitto'],
  ['a b', 'standard'],
  ['wearables/{device}/acks', 'standard'],
].map(([topic, from]) =>
  except(
    'own-topics',
    joined(
      '4.7.3-4',
      `publish: to ${topic}`,
      from as 'paho',
      [`> 32 ~ "${topic}" 1234 'payload'`, '< 40 02 1234'],
      'open',
    ),
    [`> 32 ~ "${topic}" 1234 'payload'`],
    'closed',
  ),
);
elsewhere.push(
  except(
    'own-topics',
    joined(
      '4.7.3-3',
      'publish: to a topic of 65,535 bytes',
      'mosquitto',
      [`> 32 ~ "${'t'.repeat(65_535)}" 1234 'x'`, '< 40 02 1234'],
      'open',
    ),
    [`> 32 ~ "${'t'.repeat(65_535)}" 1234 'x'`],
    'closed',
  ),
);

/** PUBACK, PUBREC, PUBREL and PUBCOMP that answer nothing. */
const unasked: MqttCase[] = [
  mayExcept(
    'unasked-acknowledgements',
    joined('4.3.2-1', 'PUBACK: of nothing', 'mosquitto', ['> 40 02 0001'], 'open'),
    ['> 40 02 0001'],
    'closed',
  ),
  or(
    mayExcept(
      'unasked-acknowledgements',
      joined('4.3.3-1', 'PUBREC: of nothing', 'mosquitto', ['> 50 02 0001', '< 62 02 0001'], 'open'),
      ['> 50 02 0001'],
      'closed',
    ),
    ['> 50 02 0001'],
    'open',
  ),
  joined('4.3.3-2', 'PUBREL: of nothing', 'mosquitto', ['> 62 02 0001', '< 70 02 0001'], 'open'),
  mayExcept(
    'unasked-acknowledgements',
    joined('4.3.3-1', 'PUBCOMP: of nothing', 'mosquitto', ['> 70 02 0001'], 'open'),
    ['> 70 02 0001'],
    'closed',
  ),
];

/** The first byte in hex, and the flags that it must not have. */
const acknowledgements: MqttCase[] = (
  [
    ['PUBACK', '40', '2.2.2-2', ['41', '42', '44', '48']],
    ['PUBREC', '50', '2.2.2-2', ['51', '52', '54', '58']],
    ['PUBREL', '62', '3.6.1-1', ['60', '63', '64', '66', '6a']],
    ['PUBCOMP', '70', '2.2.2-2', ['71', '72', '74', '78']],
  ] as const
).flatMap(([name, first, clause, wrong]) => [
  ...wrong.map((byte) =>
    joined(clause, `${name}: first byte ${byte}`, 'mosquitto', [`> ${byte} 02 0001`], 'closed'),
  ),
  joined('2.3.1-1', `${name}: id 0`, 'mosquitto', [`> ${first} 02 0000`], 'closed'),
  joined('4.8.0-1', `${name}: a byte too many`, 'mosquitto', [`> ${first} 03 0001 00`], 'closed'),
  joined('4.8.0-1', `${name}: half an id`, 'mosquitto', [`> ${first} 01 01`], 'closed'),
  joined('4.8.0-1', `${name}: nothing in it`, 'mosquitto', [`> ${first} 00`], 'closed'),
]);

export const PUBLISH_CASES: readonly MqttCase[] = [
  ...taken,
  ...malformed,
  ...texts,
  ...elsewhere,
  ...unasked,
  ...acknowledgements,
];
