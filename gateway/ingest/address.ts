/** What counts as one network address when limits are counted. */
import { isIPv4, isIPv6 } from 'node:net';

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The group an address counts to: an IPv4 address by itself, an IPv6 address with its /64, since whoever has one address of a /64
 * has them all. `?` for a socket that is gone already and can no longer tell.
 */
export function addressGroup(address: string | undefined): string {
  if (address === undefined) return '?';
  const mapped = IPV4_IN_IPV6.exec(address)?.[1] ?? address;
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(mapped)) return '?';
  const [head = '', tail] = mapped.replace(/%.*$/, '').split('::');
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const all = [...front, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...back];
  return `${all
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':')}::/64`;
}

function words(text: string): string[] {
  if (text === '') return [];
  // A dotted end stands for two words; they are never among the first four of an address that got here.
  return text.split(':').flatMap((word) => (word.includes('.') ? ['0', '0'] : [word]));
}
