/** Runs a row of the conformance table against a broker and says whether, and if not where, it does otherwise. */
import { CONNECT, type End, type MqttCase, type Way, WELCOME } from './case.ts';
import { type Heard, Link } from './link.ts';
import { matches, type Names, packetBytes, parsePacket } from './notation.ts';

/** Longer than a keep alive of one second, half as long again, and a slow machine. */
const ANSWER_MS = 4_000;
/** A broker that closes does so at once; then it is asked with a PINGREQ, so nothing hangs on this. */
const CLOSE_MS = 250;
/** How long whatever comes is let go by. */
const LULL_MS = 100;
/** How long a connection that was alive is watched for a close that comes late. */
const AFTER_PING_MS = 30;
const STEP = /^(\d?)(>\.|>|<\*|<|x|\.) ?(.*)$/s;
const [PINGREQ, PINGRESP] = [Buffer.of(0xc0, 0), Buffer.of(0xd0, 0)];

/** Where a broker listens, and who speaks to it: a device and an address of its own for each run. */
export interface Speaker {
  readonly port: number;
  readonly names: Names;
  readonly address: string;
}

/** Undefined when the broker went this way; otherwise what it did instead. */
export async function tryWay(row: MqttCase, way: Way, speaker: Speaker): Promise<string | undefined> {
  const steps = row.connected ? [`> ${CONNECT}`, `< ${WELCOME}`, ...way.steps] : way.steps;
  const links = new Map<string, Link>();
  const linkOf = async (name: string): Promise<Link> => {
    const link = links.get(name) ?? (await Link.open(speaker.port, speaker.address));
    links.set(name, link);
    return link;
  };
  try {
    for (const step of steps) {
      const [, name = '', what = '', line = ''] = STEP.exec(step) ?? [];
      if (what === '') throw new RangeError(`no step: ${step}`);
      const wrong = await takeStep(await linkOf(name), what, line, speaker.names);
      if (wrong !== undefined) return `at "${shorten(step)}": ${wrong}`;
    }
    return await checkEnd(await linkOf(''), way.end);
  } finally {
    for (const link of links.values()) link.destroy();
  }
}

async function takeStep(link: Link, what: string, line: string, names: Names): Promise<string | undefined> {
  switch (what) {
    case '>':
      link.send(packetBytes(line, names));
      return undefined;
    case '>.':
      await link.trickle(packetBytes(line, names));
      return undefined;
    case '<': {
      const heard = await link.next(ANSWER_MS);
      const isIt = typeof heard !== 'string' && matches(heard, parsePacket(line, names));
      return isIt ? undefined : describe(heard);
    }
    case '<*':
      while (typeof (await link.next(LULL_MS)) !== 'string');
      return undefined;
    case 'x':
      link.destroy();
      return undefined;
    default: {
      const heard = await link.next(ANSWER_MS);
      return heard === 'closed' ? undefined : describe(heard);
    }
  }
}

async function checkEnd(link: Link, end: End): Promise<string | undefined> {
  if (end === 'either') return undefined;
  if (end === 'open') {
    link.send(PINGREQ);
    const heard = await link.next(ANSWER_MS);
    if (typeof heard === 'string' || !heard.equals(PINGRESP)) return `not open: ${describe(heard)}`;
    const later = await link.next(AFTER_PING_MS);
    return later === 'silent' ? undefined : `not open for long: ${describe(later)}`;
  }
  let heard = await link.next(CLOSE_MS);
  if (end === 'refused' && typeof heard !== 'string' && isRefusal(heard)) heard = await link.next(CLOSE_MS);
  if (heard === 'silent') {
    link.send(PINGREQ);
    heard = await link.next(ANSWER_MS);
  }
  return heard === 'closed' ? undefined : `not closed: ${describe(heard)}`;
}

/** A CONNACK with a return code other than 0, and no session present. */
function isRefusal(packet: Buffer): boolean {
  return packet.length === 4 && packet.readUInt16BE(0) === 0x2002 && packet[2] === 0 && packet[3] !== 0;
}

function describe(heard: Heard): string {
  return typeof heard === 'string' ? heard : `sent ${shorten(heard.toString('hex'))}`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
