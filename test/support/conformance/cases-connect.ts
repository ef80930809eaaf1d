/** CONNECT and what comes around it: MQTT 3.1.1 sections 3.1, 3.2, 1.5.3 and 2.2. */
import { bare, CONNECT, except, joined, type MqttCase, mayExcept, WELCOME } from './case.ts';
import { CONTROLS, ILL_FORMED } from './ill-formed.ts';

/** CONNECT of level 4 with these flags and fields. */
const connect = (flags: string, fields: string): string => `> 10 ~ "MQTT" 04 ${flags} 003c ${fields}`;
const NAMED = '"{case}" "{device}"';

const accepted: MqttCase[] = [
  bare('3.1.4-4', 'connect', 'paho', [`> ${CONNECT}`, `< ${WELCOME}`], 'open'),
  bare(
    '3.2.2-1',
    'connect: clean, no session present',
    'paho',
    [connect('82', NAMED), '< 20 02 0000'],
    'open',
  ),
  bare(
    '3.2.2-3',
    'connect: not clean, nothing kept yet',
    'paho',
    [connect('80', NAMED), '< 20 02 0000'],
    'open',
  ),
  bare('4.2.0-1', 'connect: a segment for each byte', 'standard', [`>. ${CONNECT}`, `< ${WELCOME}`], 'open'),
  bare(
    '3.1.4-4',
    'connect: PINGREQ right behind it',
    'standard',
    [`> ${CONNECT} |c000`, `< ${WELCOME}`, '< d0 00'],
    'open',
  ),
  bare(
    '3.1.4-4',
    'connect: PUBLISH right behind it',
    'standard',
    [`> ${CONNECT} | 32 ~ "wearables/{device}/statements" 1234 'payload'`, `< ${WELCOME}`, '< 40 02 1234'],
    'open',
  ),
  bare('3.1.3-6', 'client id: none, clean', 'paho', [connect('82', '"" "{device}"'), `< ${WELCOME}`], 'open'),
  bare(
    '3.1.3-8',
    'client id: none, not clean',
    'paho',
    [connect('80', '"" "{device}"'), '< 20 02 0002'],
    'closed',
  ),
  ...['0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ', 'x'].map((id) =>
    bare(
      '3.1.3-5',
      `client id: ${id}`,
      'standard',
      [connect('82', `"${id}" "{device}"`), `< ${WELCOME}`],
      'open',
    ),
  ),
  bare(
    '1.5.3-3',
    'client id: with U+FEFF',
    'paho',
    [connect('82', '[efbbbf \'{case}\'] "{device}"'), `< ${WELCOME}`],
    'open',
  ),
  bare(
    '1.5.3-1',
    'client id: with U+2A6D4',
    'mosquitto',
    [connect('82', '[f0aa9b94 \'{case}\'] "{device}"'), `< ${WELCOME}`],
    'open',
  ),
  bare(
    '1.5.3-1',
    'client id: with characters of two and three bytes',
    'standard',
    [connect('82', '"é水{case}" "{device}"'), `< ${WELCOME}`],
    'open',
  ),
  bare(
    'MQTT 3.1',
    'connect: MQIsdp, level 3',
    'mosquitto',
    [`> 10 ~ "MQIsdp" 03 82 003c ${NAMED}`, `< ${WELCOME}`],
    'open',
  ),
  bare(
    '3.1.2-9',
    'will: a statement of the device',
    'standard',
    [connect('8e', '"{case}" "wearables/{device}/statements" "will" "{device}"'), `< ${WELCOME}`],
    'open',
  ),
  mayExcept(
    'password-token',
    bare(
      '3.1.2-21',
      'password',
      'mosquitto',
      [connect('c2', '"{case}" "{device}" "p"'), `< ${WELCOME}`],
      'open',
    ),
    [connect('c2', '"{case}" "{device}" "p"')],
    'refused',
  ),
  mayExcept(
    'password-token',
    bare(
      '3.1.2-21',
      'password: with U+0000, which it may have',
      'mosquitto',
      [connect('c2', '"{case}" "{device}" [746f700000]'), `< ${WELCOME}`],
      'open',
    ),
    [connect('c2', '"{case}" "{device}" [746f700000]')],
    'refused',
  ),
  except(
    'device-name',
    bare('3.1.2-18', 'user name: none', 'paho', [connect('02', '"{case}"'), `< ${WELCOME}`], 'open'),
    [connect('02', '"{case}"')],
    'refused',
  ),
  except(
    'device-name',
    bare('3.1.2-19', 'user name: empty', 'mosquitto', [connect('82', '"{case}" ""'), `< ${WELCOME}`], 'open'),
    [connect('82', '"{case}" ""')],
    'refused',
  ),
  except(
    'will-statement',
    bare(
      '3.1.2-9',
      'will: somewhere else',
      'paho',
      [connect('86', '"{case}" "TopicA" "will" "{device}"'), `< ${WELCOME}`],
      'open',
    ),
    [connect('86', '"{case}" "TopicA" "will" "{device}"')],
    'refused',
  ),
];

const sessions: MqttCase[] = [
  bare('3.1.0-2', 'connect: twice', 'paho', [`> ${CONNECT}`, `< ${WELCOME}`, `> ${CONNECT}`], 'closed'),
  bare(
    '3.1.4-2',
    'connect: the client id of a connection there is',
    'standard',
    [`> ${CONNECT}`, `< ${WELCOME}`, `2> ${CONNECT}`, `2< ${WELCOME}`, '.', '2> c000', '2< d000'],
    'closed',
  ),
  bare(
    '3.1.4-5',
    'connect: refused, and PUBLISH right behind it',
    'standard',
    [`> 10 ~ "MQTT" 02 82 003c ${NAMED} | 32 ~ "wearables/{device}/statements" 1234 'x'`, '< 20 02 0001'],
    'closed',
  ),
  bare(
    '3.1.2-24',
    'keep alive: nothing for one and a half times as long',
    'paho',
    [`> 10 ~ "MQTT" 04 82 0001 ${NAMED}`, `< ${WELCOME}`, '.'],
    'closed',
  ),
  except(
    'no-sessions',
    bare(
      '3.1.2-4',
      'session: kept over a reconnection',
      'paho',
      [
        connect('80', NAMED),
        `< ${WELCOME}`,
        '> 82 ~ 1234 "wearables/{device}/acks" 01',
        '< 90 03 1234 01',
        '> e000',
        '.',
        `2${connect('80', NAMED)}`,
        '2< 20 02 0100',
      ],
      'closed',
    ),
    [
      connect('80', NAMED),
      `< ${WELCOME}`,
      '> 82 ~ 1234 "wearables/{device}/acks" 01',
      '< 90 03 1234 01',
      '> e000',
      '.',
      `2${connect('80', NAMED)}`,
      '2< 20 02 0000',
    ],
    'closed',
  ),
  bare(
    '3.1.2-6',
    'session: thrown away by a clean one',
    'paho',
    [connect('80', NAMED), `< ${WELCOME}`, '> e000', '.', `2${connect('82', NAMED)}`, '2< 20 02 0000'],
    'closed',
  ),
];

const versions: MqttCase[] = ['00', '01', '02', '03', '06', 'ff'].map((level) =>
  bare(
    '3.1.2-2',
    `connect: MQTT, level ${level}`,
    'mosquitto',
    [`> 10 ~ "MQTT" ${level} 82 003c ${NAMED}`, '< 20 02 0001'],
    'closed',
  ),
);
versions.push(
  bare(
    '3.1.2-2',
    'connect: MQTT 5',
    'mosquitto',
    [`> 10 ~ "MQTT" 05 82 003c 00 ${NAMED}`, '< 20 02 0001'],
    'closed',
  ),
);

const malformed: MqttCase[] = [
  ...(
    [
      ['2.2.2-2', 'connect: flags 1 in the first byte', `11 ~ "MQTT" 04 82 003c ${NAMED}`],
      ['2.2.2-2', 'connect: flags 2 in the first byte', `12 ~ "MQTT" 04 82 003c ${NAMED}`],
      ['2.2.2-2', 'connect: flags 4 in the first byte', `14 ~ "MQTT" 04 82 003c ${NAMED}`],
      ['2.2.2-2', 'connect: flags 8 in the first byte', `18 ~ "MQTT" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: MQT', `10 ~ "MQT" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: none', `10 ~ "" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: MQTTT', `10 ~ "MQTTT" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: MQTU', `10 ~ "MQTU" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: hj', `10 ~ "hj" 04 82 003c ${NAMED}`],
      ['3.1.2-1', 'protocol name: longer than the packet', `10 ~ ffff 'MQTT' 04 82 003c ${NAMED}`],
      ['3.1.2-3', 'connect: the reserved flag', `10 ~ "MQTT" 04 83 003c ${NAMED}`],
      ['3.1.2-13', 'no will: QoS 1', `10 ~ "MQTT" 04 8a 003c ${NAMED}`],
      ['3.1.2-13', 'no will: QoS 2', `10 ~ "MQTT" 04 92 003c ${NAMED}`],
      ['3.1.2-15', 'no will: retained', `10 ~ "MQTT" 04 a2 003c ${NAMED}`],
      ['3.1.2-9', 'will: neither topic nor message', '10 ~ "MQTT" 04 06 003c "{case}"'],
      ['3.1.2-9', 'will: no message', '10 ~ "MQTT" 04 06 003c "{case}" "wearables/{device}/statements"'],
      [
        '3.1.2-14',
        'will: QoS 3',
        '10 ~ "MQTT" 04 9e 003c "{case}" "wearables/{device}/statements" "x" "{device}"',
      ],
      ['4.7.3-1', 'will: an empty topic', '10 ~ "MQTT" 04 86 003c "{case}" "" "x" "{device}"'],
      [
        '4.7.1-1',
        'will: a wildcard in its topic',
        '10 ~ "MQTT" 04 86 003c "{case}" "wearables/+/statements" "x" "{device}"',
      ],
      ['3.1.3-3', 'client id: not there', '10 ~ "MQTT" 04 82 003c'],
      ['3.1.3-3', 'client id: longer than the packet', '10 ~ "MQTT" 04 82 003c ffff \'x\''],
      ['3.1.2-18', 'user name: there without its flag', `10 ~ "MQTT" 04 02 003c ${NAMED}`],
      ['3.1.2-19', 'user name: not there with its flag', '10 ~ "MQTT" 04 82 003c "{case}"'],
      ['3.1.2-20', 'password: there without its flag', `10 ~ "MQTT" 04 82 003c ${NAMED} "p"`],
      ['3.1.2-21', 'password: not there with its flag', `10 ~ "MQTT" 04 c2 003c ${NAMED}`],
      ['3.1.2-22', 'password: without a user name', '10 ~ "MQTT" 04 42 003c "{case}" "p"'],
      ['3.1.4-1', 'connect: nothing in it', '10 00'],
      ['3.1.4-1', 'connect: the protocol name alone', '10 ~ "MQTT"'],
      ['3.1.4-1', 'connect: no keep alive', '10 ~ "MQTT" 04 82'],
      ['3.1.4-1', 'connect: a length that ends before the fields', `10 07 "MQTT" 04 c2 003c ${NAMED} "p"`],
      ['3.1.4-1', 'connect: a byte after the last field', `10 ~ "MQTT" 04 82 003c ${NAMED} 00`],
    ] as const
  ).map(([clause, id, packet]) => bare(clause, id, 'mosquitto', [`> ${packet}`], 'refused')),
  ...[
    '10 ffffffff',
    '10 ffffffff01',
    '10 ffffffff7f',
    '10 ffffffff80',
    '10 ffffffffff01',
    '10 80808080 01',
  ].map((packet) =>
    bare(
      '2.2.3',
      `remaining length: ${packet}`,
      'mqtt-packet',
      [`> ${packet} "MQTT" 04 82 003c ${NAMED}`],
      'refused',
    ),
  ),
];

/** Ill-formed text in each field of CONNECT that holds text. */
const texts: MqttCase[] = (
  [
    ['client id', '3.1.3-4', (end: string) => connect('82', `['{case}' ${end}] "{device}"`)],
    ['user name', '3.1.3-11', (end: string) => connect('82', `"{case}" ['{device}' ${end}]`)],
    [
      'will topic',
      '3.1.3-10',
      (end: string) => connect('86', `"{case}" ['wearables/{device}/statements' ${end}] "x" "{device}"`),
    ],
  ] as const
).flatMap(([field, clause, packet]) => [
  ...ILL_FORMED.map(([name, hex]) =>
    bare(clause, `${field}: with ${name}`, 'mosquitto', [packet(hex)], 'refused'),
  ),
  ...CONTROLS.map(([name, hex]) =>
    bare('1.5.3', `${field}: with ${name}`, 'mosquitto', [packet(hex)], 'either'),
  ),
]);

/** Packets that may come later, and packets that no client may send, in the place of CONNECT. */
const first: MqttCase[] = [
  '20 02 0000',
  '30 ~ "topic" \'payload\'',
  '40 02 0001',
  '50 02 0001',
  '62 02 0001',
  '70 02 0001',
  '82 ~ 1234 "p" 00',
  '90 03 1234 00',
  'a2 ~ 1234 "p"',
  'b0 02 1234',
  'c000',
  'd000',
  'e000',
  '0000',
  '0100',
  '0200',
  '0400',
  '0800',
  'f000',
].map((packet) => bare('3.1.0-1', `first packet: ${packet}`, 'mosquitto', [`> ${packet}`], 'closed'));

/** The same types again, where they have no business either. */
const forbidden: MqttCase[] = [
  '0000',
  '0100',
  '0200',
  '0400',
  '0800',
  '00 01 00',
  'f000',
  'ff00',
  '20 02 0000',
  '90 03 1234 00',
  'b0 02 1234',
  'd000',
].map((packet) => joined('4.8.0-1', `from a client: ${packet}`, 'mosquitto', [`> ${packet}`], 'closed'));

export const CONNECT_CASES: readonly MqttCase[] = [
  ...accepted,
  ...sessions,
  ...versions,
  ...malformed,
  ...texts,
  ...first,
  ...forbidden,
];
