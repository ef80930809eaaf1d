/** What one connection, one device and one address may ask of the embedded broker. */
import Type from 'typebox';
import { closed, count, seconds } from './setting.ts';

export const mqttLimits = Type.Object(
  {
    connectionsPerAddress: count({
      default: 5_000,
      maximum: 1_000_000,
      description:
        'Connections from one address at once. A whole clinic may stand behind one; keep it below mqtt.maxConnections, so that no address can take all.',
      attack: 'A value near mqtt.maxConnections lets one address keep everyone else out.',
    }),
    pendingPerAddress: count({
      default: 1_000,
      maximum: 100_000,
      description:
        'Connections from one address that have not said who they are; a further one takes the place of the oldest that had three seconds for it.',
      attack: 'A high value lets silent connections pile up.',
    }),
    connectsPerSecondPerAddress: count({
      default: 500,
      maximum: 1_000_000,
      description:
        'New connections a second from one address in the long run, ten times as many at once; more are closed unread. A tenth of it while the address is shut out.',
      attack: 'A high value lets one address spend the processor on handshakes.',
    }),
    connectsPerMinutePerDevice: count({
      default: 120,
      maximum: 1_000_000,
      description:
        'Times a device may connect in a minute from one address; more cost it a back-off of one second that doubles up to five minutes.',
      attack: 'A high value lets a device that reconnects in a loop go on.',
    }),
    connectionsPerDevice: count({
      default: 4,
      maximum: 10_000,
      description: 'Connections of one device at once; a further one closes the oldest.',
      attack: 'A high value lets one device take the connections of others.',
    }),
    failuresPerMinutePerAddress: count({
      default: 100,
      maximum: 1_000_000,
      description:
        'Failures (bad packets, failed authentication, slow or broken-off connecting) in a minute from one address; more shut the address out, from one second up to five minutes. Devices that have proven themselves from there still come in.',
      attack: 'A high value gives whoever tries names or tokens more tries.',
    }),
    inFlightMessages: count({
      default: 1_000,
      maximum: 65_535,
      description:
        'Messages of one connection that wait for their verdict; behind so many it is not read from. Also: messages sent to it that it has not acknowledged; more are not sent.',
      attack: 'A high value lets one connection crowd the intake.',
    }),
    inFlightBytes: count({
      default: 1_048_576,
      minimum: 65_536,
      maximum: 1_073_741_824,
      description: 'The same in bytes of packets.',
      attack: 'A high value lets one connection take the memory.',
    }),
    messagesPerSecond: count({
      default: 5_000,
      maximum: 1_000_000,
      description:
        'Packets a second of one connection in the long run, ten times as many at once; who sends faster is read from more slowly.',
      attack: 'A high value lets one connection crowd out others.',
    }),
    bytesPerSecond: count({
      default: 4_194_304,
      minimum: 1_024,
      maximum: 1_073_741_824,
      description: 'The same in bytes.',
      attack: 'A high value lets one connection crowd out others.',
    }),
    connectSeconds: seconds({
      default: 10,
      description:
        'Time from the first byte of a connection, TLS handshake included, to its complete CONNECT.',
      attack: 'A high value lets slow connections hold their places.',
    }),
    packetSeconds: seconds({
      default: 60,
      description: 'Time to finish a packet once it has begun.',
      attack: 'A high value lets half-sent packets hold memory.',
    }),
    idleSeconds: seconds({
      default: 3_600,
      description:
        'Longest silence of a connection, also of one that promised no keep-alive or a longer one; then it counts as gone.',
      attack: 'A high value lets dead connections hold their places.',
    }),
  },
  { ...closed, default: {} },
);
