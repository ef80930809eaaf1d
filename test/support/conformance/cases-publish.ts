/** PUBLISH, its acknowledgements, and what a broker passes on: MQTT 3.1.1 sections 3.3 to 3.7, 4.3 to 4.7. */
import { bare, except, joined, type MqttCase, mayExcept, or, type Step } from './case.ts';
import { CONTROLS, ILL_FORMED } from './ill-formed.ts';

const T = '"wearables/{device}/statements"';
const MANY = 50;

const taken: MqttCase[] = [
  joined('4.3.1-1', 'publish: QoS 0', 'paho', [`> 30 ~ ${T} 'payload'`], 'open'),
  joined('4.3.2-2', 'publish: QoS 1', 'paho', [`> 32 ~ ${T} 1234 'payload'`, '< 40 02 1234'], 'open'),
  joined(
    '4.3.2-2',
    'publish: QoS 1, DUP',
    'mosquitto',
    [`> 3a ~ ${T} 1234 'payload'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.3.2-2',
    'publish: QoS 1, the id again after its PUBACK',
    'standard',
    [`> 32 ~ ${T} 1234 'one'`, '< 40 02 1234', `> 32 ~ ${T} 1234 'two'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '2.3.1-1',
    'publish: QoS 1, id 65535',
    'standard',
    [`> 32 ~ ${T} ffff 'payload'`, '< 40 02 ffff'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2',
    'paho',
    [`> 34 ~ ${T} 1234 'payload'`, '< 50 02 1234', '> 62 02 1234', '< 70 02 1234'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2, DUP',
    'mosquitto',
    [`> 3c ~ ${T} 1234 'payload'`, '< 50 02 1234', '> 62 02 1234', '< 70 02 1234'],
    'open',
  ),
  joined(
    '4.3.3-2',
    'publish: QoS 2, again before PUBREL',
    'standard',
    [
      `> 34 ~ ${T} 1234 'payload'`,
      '< 50 02 1234',
      `> 3c ~ ${T} 1234 'payload'`,
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
      `> 34 ~ ${T} 1234 'payload'`,
      '< 50 02 1234',
      '> 62 02 1234',
      '< 70 02 1234',
      '> 62 02 1234',
      '< 70 02 1234',
    ],
    'open',
  ),
  joined('3.3.1-5', 'publish: retained', 'mosquitto', [`> 31 ~ ${T} 'payload'`], 'open'),
  joined('3.3.1-11', 'publish: retained, nothing in it', 'mosquitto', [`> 31 ~ ${T}`], 'open'),
  joined('4.3.2-2', 'publish: nothing in it', 'mqtt-packet', [`> 32 ~ ${T} 1234`, '< 40 02 1234'], 'open'),
  joined(
    '4.3.2-2',
    'publish: 100,000 bytes',
    'standard',
    [`> 32 ~ ${T} 1234 '${'x'.repeat(100_000)}'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.2.0-1',
    'publish: a segment for each byte',
    'standard',
    [`>. 32 ~ ${T} 1234 'payload'`, '< 40 02 1234'],
    'open',
  ),
  joined(
    '4.6.0-2',
    `publish: ${MANY} in one segment, acknowledged in order`,
    'standard',
    [
      `> ${numbers()
        .map((id) => `32 ~ ${T} ${id} 'payload'`)
        .join(' | ')}`,
      ...numbers().map((id) => `< 40 02 ${id}`),
    ],
    'open',
  ),
  joined(
    '3.12.4-1',
    'publish: PINGREQ right behind it',
    'standard',
    [`> 30 ~ ${T} 'payload' | c000`, '< d000'],
    'open',
  ),
  joined(
    '3.14.4-3',
    'publish: behind a DISCONNECT',
    'standard',
    [`> e000 | 32 ~ ${T} 1234 'payload'`],
    'closed',
  ),
];

function numbers(): string[] {
  return Array.from({ length: MANY }, (_, at) => (at + 1).toString(16).padStart(4, '0'));
}

const malformed: MqttCase[] = (
  [
    ['4.7.3-1', 'an empty topic', `30 ~ "" 'payload'`],
    ['3.3.1-2', 'QoS 0, DUP', `38 ~ ${T} 'payload'`],
    ['3.3.1-4', 'QoS 3', `36 ~ ${T} 'payload'`],
    ['3.3.1-4', 'QoS 3 and an id', `36 ~ ${T} 1234 'payload'`],
    ['3.3.1-4', 'QoS 3, DUP, retained', `3f ~ ${T} 1234 'payload'`],
    ['2.3.1-1', 'QoS 1, id 0', `32 ~ ${T} 0000 'payload'`],
    ['2.3.1-1', 'QoS 2, id 0', `34 ~ ${T} 0000 'payload'`],
    ['2.3.1-1', 'QoS 1, no id', `32 ~ ${T}`],
    ['2.3.1-1', 'QoS 1, half an id', `32 ~ ${T} 12`],
    ['3.3.2-1', 'no topic', '30 00'],
    ['3.3.2-1', 'half a length of the topic', '30 01 00'],
    ['3.3.2-1', 'a topic longer than the packet', "30 ~ ffff 'topic'"],
    ['3.3.2-2', 'a + in the topic', `30 ~ "wearables/+/statements" 'payload'`],
    ['3.3.2-2', 'a # in the topic', `30 ~ "wearables/#" 'payload'`],
    ['3.3.2-2', 'a + at the beginning of the topic', `30 ~ "+opic" 'payload'`],
    ['2.2.3', 'a length of five bytes', `30 ffffffff7f ${T} 'payload'`],
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

/** SUBSCRIBE to what the device publishes; the gateway says no. */
const hear = (qos: string): Step[] => [`> 82 ~ 1234 ${T} ${qos}`, `< 90 03 1234 ${qos}`];
const refusal = (qos: string): Step[] => [`> 82 ~ 1234 ${T} ${qos}`, '< 90 03 1234 80'];
const PUBLISH_2: Step[] = [`> 34 ~ ${T} 0005 'two'`, '< 50 02 0005'];
const COMPLETE_2: Step[] = ['> 62 02 0005', '< 70 02 0005'];

/** A second client's CONNECT and its welcome. */
const SECOND: Step[] = ['2> 10 ~ "MQTT" 04 82 003c "{case}-2" "{device}"', '2< 20 02 0000'];
const second = (steps: readonly Step[]): Step[] => steps.map((step) => `2${step}`);

/** What a broker that passes messages on does. The gateway passes none on: each is refused at SUBSCRIBE. */
const passedOn: MqttCase[] = [
  except(
    'own-topics',
    joined(
      '4.3.1-1',
      'passed on: QoS 0',
      'paho',
      [...hear('01'), `> 30 ~ ${T} 'zero'`, `< 30 ~ ${T} 'zero'`],
      'open',
    ),
    [...refusal('01'), `> 30 ~ ${T} 'zero'`],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '4.3.2-1',
      'passed on: QoS 1',
      'mosquitto',
      [...hear('01'), ...SECOND, `2> 32 ~ ${T} 0005 'one'`, '2< 40 02 0005', `< 32 ~ ${T} ???? 'one'`],
      'open',
    ),
    [...refusal('01'), ...SECOND, `2> 32 ~ ${T} 0005 'one'`, '2< 40 02 0005'],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '4.3.3-1',
      'passed on: QoS 2',
      'mosquitto',
      [...hear('02'), ...SECOND, ...second([...PUBLISH_2, ...COMPLETE_2]), `< 34 ~ ${T} ???? 'two'`],
      'open',
    ),
    [...refusal('02'), ...SECOND, ...second([...PUBLISH_2, ...COMPLETE_2])],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '3.8.4-6',
      'passed on: at the lower QoS of the two',
      'standard',
      [...hear('00'), ...SECOND, `2> 32 ~ ${T} 0005 'one'`, '2< 40 02 0005', `< 30 ~ ${T} 'one'`],
      'open',
    ),
    [...refusal('00'), ...SECOND, `2> 32 ~ ${T} 0005 'one'`, '2< 40 02 0005'],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '3.3.1-9',
      'passed on: without RETAIN to who listens already',
      'paho',
      [...hear('00'), ...SECOND, `2> 31 ~ ${T} 'kept'`, `< 30 ~ ${T} 'kept'`],
      'open',
    ),
    [...refusal('00'), ...SECOND, `2> 31 ~ ${T} 'kept'`],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '3.3.1-6',
      'passed on: what was retained, to who comes later',
      'paho',
      [`> 33 ~ ${T} 0005 'kept'`, '< 40 02 0005', ...SECOND, ...second(hear('00')), `2< 31 ~ ${T} 'kept'`],
      'open',
    ),
    [`> 33 ~ ${T} 0005 'kept'`, '< 40 02 0005', ...SECOND, ...second(refusal('00')), '2> c000', '2< d000'],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '3.3.1-10',
      'passed on: no longer retained after an empty message',
      'paho',
      [
        `> 33 ~ ${T} 0005 'kept'`,
        '< 40 02 0005',
        `> 33 ~ ${T} 0006`,
        '< 40 02 0006',
        ...SECOND,
        ...second(hear('00')),
        '2> c000',
        '2< d000',
      ],
      'open',
    ),
    [...SECOND, ...second(refusal('00')), '2> c000', '2< d000'],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '4.7.2-1',
      'passed on: not $ topics to #',
      'paho',
      ['> 82 ~ 1234 "+/{case}" 00', '< 90 03 1234 00', ...SECOND, `2> 30 ~ "$TopicA/{case}" 'x'`],
      'open',
    ),
    ['> 82 ~ 1234 "#" 00', '< 90 03 1234 80'],
    'open',
  ),
  except(
    'own-topics',
    joined(
      '3.3.5-1',
      'passed on: through overlapping filters, at the greatest QoS',
      'paho',
      [
        '> 82 ~ 1234 "wearables/{device}/#" 02 "wearables/{device}/+" 01',
        '< 90 04 1234 0201',
        ...SECOND,
        ...second([...PUBLISH_2, ...COMPLETE_2]),
        `< 34 ~ ${T} ???? 'two'`,
      ],
      'either',
    ),
    ['> 82 ~ 1234 "wearables/{device}/#" 02 "wearables/{device}/+" 01', '< 90 04 1234 8080'],
    'open',
  ),
  except(
    'own-topics',
    bare(
      '3.1.2-8',
      'passed on: the will of a broken connection',
      'paho',
      [
        ...SECOND,
        ...second(hear('00')),
        `> 10 ~ "MQTT" 04 86 003c "{case}" ${T} "will" "{device}"`,
        '< 20 02 0000',
        'x',
        `2< 30 ~ ${T} 'will'`,
      ],
      'either',
    ),
    [
      ...SECOND,
      ...second(refusal('00')),
      `> 10 ~ "MQTT" 04 86 003c "{case}" ${T} "will" "{device}"`,
      '< 20 02 0000',
      'x',
      '2> c000',
      '2< d000',
    ],
    'either',
  ),
  except(
    'own-topics',
    bare(
      '3.14.4-3',
      'passed on: no will after DISCONNECT',
      'standard',
      [
        ...SECOND,
        ...second(hear('00')),
        `> 10 ~ "MQTT" 04 86 003c "{case}" ${T} "will" "{device}"`,
        '< 20 02 0000',
        '> e000',
        '.',
        '2> c000',
        '2< d000',
      ],
      'closed',
    ),
    [
      ...SECOND,
      ...second(refusal('00')),
      `> 10 ~ "MQTT" 04 86 003c "{case}" ${T} "will" "{device}"`,
      '< 20 02 0000',
      '> e000',
      '.',
      '2> c000',
      '2< d000',
    ],
    'closed',
  ),
  except(
    'no-sessions',
    bare(
      '3.1.2-5',
      'passed on: what came while the session was away',
      'paho',
      [
        '> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
        '< 20 02 0000',
        ...hear('01'),
        '> e000',
        '.',
        ...SECOND,
        `2> 32 ~ ${T} 0005 'one'`,
        '2< 40 02 0005',
        '2> e000',
        '2.',
        '3> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
        '3< 20 02 0100',
        `3< 32 ~ ${T} ???? 'one'`,
      ],
      'closed',
    ),
    [
      '> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
      '< 20 02 0000',
      '> e000',
      '.',
      '2> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
      '2< 20 02 0000',
      '2> c000',
      '2< d000',
    ],
    'closed',
  ),
  except(
    'no-sessions',
    bare(
      '4.4.0-1',
      'passed on: again, what was not acknowledged',
      'paho',
      [
        '> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
        '< 20 02 0000',
        ...hear('01'),
        `> 32 ~ ${T} 0005 'one'`,
        '<*',
        'x',
        '2> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
        '2< 20 02 0100',
        `2< 3a ~ ${T} ???? 'one'`,
      ],
      'either',
    ),
    [
      '> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
      '< 20 02 0000',
      'x',
      '2> 10 ~ "MQTT" 04 80 003c "{case}" "{device}"',
      '2< 20 02 0000',
      '2> c000',
      '2< d000',
    ],
    'either',
  ),
];

export const PUBLISH_CASES: readonly MqttCase[] = [
  ...taken,
  ...malformed,
  ...texts,
  ...elsewhere,
  ...unasked,
  ...acknowledgements,
  ...passedOn,
];
