/** SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT: MQTT 3.1.1 sections 3.8 to 3.14 and 4.7. */
import { except, joined, type MqttCase, or } from './case.ts';
import { CONTROLS, ILL_FORMED } from './ill-formed.ts';

const ACKS = '"wearables/{device}/acks"';
const REQUESTS = '"wearables/{device}/requests"';

const granted: MqttCase[] = [
  ...['00', '01', '02'].map((qos) =>
    joined(
      '3.8.4-1',
      `subscribe: QoS ${qos}`,
      'mosquitto',
      [`> 82 ~ 1234 ${ACKS} ${qos}`, `< 90 03 1234 ${qos}`],
      'open',
    ),
  ),
  joined(
    '3.8.4-4',
    'subscribe: two filters',
    'mosquitto',
    [`> 82 ~ 1234 ${ACKS} 00 ${REQUESTS} 01`, '< 90 04 1234 0001'],
    'open',
  ),
  joined(
    '3.8.4-3',
    'subscribe: the same filter again',
    'standard',
    [`> 82 ~ 1234 ${ACKS} 00`, '< 90 03 1234 00', `> 82 ~ 1235 ${ACKS} 01`, '< 90 03 1235 01'],
    'open',
  ),
  joined('3.8.4-2', 'subscribe: id 65535', 'standard', [`> 82 ~ ffff ${ACKS} 00`, '< 90 03 ffff 00'], 'open'),
  joined(
    '3.9.3-2',
    'subscribe: where it is not allowed',
    'paho',
    ['> 82 ~ 1234 "$SYS/#" 00', '< 90 03 1234 80'],
    'open',
  ),
  joined(
    '3.10.4-5',
    'unsubscribe: from nothing',
    'mosquitto',
    [`> a2 ~ 1234 ${ACKS}`, '< b0 02 1234'],
    'open',
  ),
  joined(
    '3.10.4-4',
    'unsubscribe',
    'mosquitto',
    [`> 82 ~ 1234 ${ACKS} 00`, '< 90 03 1234 00', `> a2 ~ 1235 ${ACKS}`, '< b0 02 1235'],
    'open',
  ),
  joined(
    '3.10.4-6',
    'unsubscribe: from two filters',
    'mosquitto',
    [`> a2 ~ 1234 ${ACKS} ${REQUESTS}`, '< b0 02 1234'],
    'open',
  ),
  joined('3.12.4-1', 'ping', 'mosquitto', ['> c000', '< d000'], 'open'),
  joined('3.14.4-3', 'disconnect', 'paho', ['> e000'], 'closed'),
];

/** As paho has them, with the case's own name in them: other cases publish at the same time. */
const elsewhere: MqttCase[] = [
  'TopicA',
  '{case}/#',
  '+/{case}',
  '/{case}/#',
  '/+/{case}',
  '{case}/+/#',
  'wearables/{device}/+',
  '$share/{case}/x',
].map((filter) =>
  except(
    'own-topics',
    joined(
      '3.8.4-5',
      `subscribe: to ${filter}`,
      'paho',
      [`> 82 ~ 1234 "${filter}" 01`, '< 90 03 1234 01'],
      'open',
    ),
    [`> 82 ~ 1234 "${filter}" 01`, '< 90 03 1234 80'],
    'open',
  ),
);
elsewhere.push(
  except(
    'own-topics',
    joined('3.8.4-5', 'subscribe: to #', 'paho', ['> 82 ~ 1234 "#" 01', '< 90 03 1234 01'], 'either'),
    ['> 82 ~ 1234 "#" 01', '< 90 03 1234 80'],
    'open',
  ),
);

/** Filters that no topic can match: the broker says no, or closes. */
const noFilters: MqttCase[] = ['#/a', 'a#', 'a/#/b', 'a+', '+a', 'a/b+/c'].map((filter) =>
  or(
    joined(
      filter.includes('#') ? '4.7.1-2' : '4.7.1-3',
      `subscribe: to ${filter}`,
      'aedes',
      [`> 82 ~ 1234 "${filter}" 00`, '< 90 03 1234 80'],
      'open',
    ),
    [`> 82 ~ 1234 "${filter}" 00`],
    'closed',
  ),
);

const malformed: MqttCase[] = (
  [
    ...['80', '83', '84', '86', '8a'].map(
      (first) => ['3.8.1-1', `subscribe: first byte ${first}`, `${first} ~ 1234 ${ACKS} 00`] as const,
    ),
    ...['03', '04', '08', '10', '20', '40', '80'].map(
      (qos) => ['3.8.3-4', `subscribe: QoS byte ${qos}`, `82 ~ 1234 ${ACKS} ${qos}`] as const,
    ),
    ['4.8.0-1', 'subscribe: a byte too many', `82 ~ 1234 ${ACKS} 00 00`],
    ['3.8.3-3', 'subscribe: no QoS', `82 ~ 1234 ${ACKS}`],
    ['4.7.3-1', 'subscribe: an empty filter without QoS', '82 ~ 1234 0000'],
    ['4.8.0-1', 'subscribe: half a length', '82 ~ 1234 00'],
    ['4.8.0-1', 'subscribe: a filter longer than the packet', "82 ~ 1234 ffff 'x' 00"],
    ['3.8.3-3', 'subscribe: no filter', '82 ~ 1234'],
    ['2.3.1-1', 'subscribe: half an id', '82 ~ 12'],
    ['2.3.1-1', 'subscribe: nothing in it', '82 00'],
    ['4.7.3-1', 'subscribe: an empty filter', '82 ~ 1234 "" 00'],
    ['4.7.3-1', 'subscribe: an empty filter, then another', `82 ~ 1234 "" 00 ${ACKS} 00`],
    ['4.7.3-1', 'subscribe: a filter, then an empty one', `82 ~ 1234 ${ACKS} 00 "" 00`],
    ['2.3.1-1', 'subscribe: id 0', `82 ~ 0000 ${ACKS} 00`],
    ...['a0', 'a3', 'a4', 'a6', 'aa'].map(
      (first) => ['3.10.1-1', `unsubscribe: first byte ${first}`, `${first} ~ 1234 ${ACKS}`] as const,
    ),
    ['4.7.3-1', 'unsubscribe: an empty filter, then another', `a2 ~ 1234 "" ${ACKS}`],
    ['4.7.3-1', 'unsubscribe: a filter, then an empty one', `a2 ~ 1234 ${ACKS} ""`],
    ['4.8.0-1', 'unsubscribe: a filter longer than the packet', 'a2 ~ 1234 0001'],
    ['4.8.0-1', 'unsubscribe: half a length', 'a2 ~ 1234 01'],
    ['3.10.3-2', 'unsubscribe: no filter', 'a2 ~ 1234'],
    ['2.3.1-1', 'unsubscribe: half an id', 'a2 ~ 12'],
    ['2.3.1-1', 'unsubscribe: nothing in it', 'a2 00'],
    ['2.3.1-1', 'unsubscribe: id 0', `a2 ~ 0000 ${ACKS}`],
    ...['c1', 'c2', 'c4', 'c8'].map(
      (first) => ['2.2.2-2', `ping: first byte ${first}`, `${first} 00`] as const,
    ),
    ['4.8.0-1', 'ping: a byte in it', 'c0 01 00'],
    ...['e1', 'e2', 'e4', 'e8'].map(
      (first) => ['3.14.1-1', `disconnect: first byte ${first}`, `${first} 00`] as const,
    ),
    ['4.8.0-1', 'disconnect: a byte in it', 'e0 01 00'],
  ] as const
).map(([clause, id, packet]) => joined(clause, id, 'mosquitto', [`> ${packet}`], 'closed'));

const texts: MqttCase[] = (
  [
    ['subscribe', '3.8.3-1', (end: string) => `> 82 ~ 1234 ['wearables/{device}/acks' ${end}] 00`],
    ['unsubscribe', '3.10.3-1', (end: string) => `> a2 ~ 1234 ['wearables/{device}/acks' ${end}]`],
  ] as const
).flatMap(([name, clause, packet]) => [
  ...ILL_FORMED.map(([text, hex]) =>
    joined(clause, `${name}: a filter with ${text}`, 'mosquitto', [packet(hex)], 'closed'),
  ),
  ...CONTROLS.map(([text, hex]) =>
    joined('1.5.3', `${name}: a filter with ${text}`, 'mosquitto', [packet(hex), '<*'], 'either'),
  ),
]);

export const SUBSCRIBE_CASES: readonly MqttCase[] = [
  ...granted,
  ...elsewhere,
  ...noFilters,
  ...malformed,
  ...texts,
];
