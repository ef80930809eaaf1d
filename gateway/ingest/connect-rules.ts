/** What a CONNECT must look like before anything is derived from it. The broker library lets all of this through. */
import { isDeviceUrn } from '../../src/statement.ts';

/** MQTT 3.1.1 lets a server take longer ids than 23 bytes; a URN with a suffix fits. */
const CLIENT_ID_MAX = 256;
/** A will lies in memory for as long as its connection lasts, so it must be short. */
const WILL_BYTES_MAX = 4096;

/** A CONNECT packet as the broker library decoded it. */
export interface ConnectFields {
  clientId?: unknown;
  clean?: unknown;
  readonly username?: unknown;
  readonly will?:
    | {
        readonly topic?: unknown;
        readonly qos?: unknown;
        readonly payload?: { readonly length: number } | string;
      }
    | undefined;
}

/** Why a CONNECT is refused, or undefined. The user name must be the device's URN. */
export function connectRefusal(packet: ConnectFields): string | undefined {
  const clientId = packet.clientId ?? '';
  if (typeof clientId !== 'string' || clientId.length > CLIENT_ID_MAX || !isPlain(clientId)) {
    return 'the client id is too long or has control characters or lone surrogates';
  }
  const username = String(packet.username ?? '');
  if (!isDeviceUrn(username)) return 'the user name must be the URN of the device (urn:dev:...)';
  const will = packet.will;
  if (will == null) return undefined;
  if (will.qos !== 0 && will.qos !== 1 && will.qos !== 2)
    return 'the will has a quality of service that does not exist';
  if (will.topic !== `wearables/${username}/statements`)
    return 'the will may only be a statement of the device';
  if ((will.payload?.length ?? 0) > WILL_BYTES_MAX) return `the will is longer than ${WILL_BYTES_MAX} bytes`;
  return undefined;
}

/** No control characters, no U+0000, no lone surrogates [MQTT-1.5.3-1, MQTT-1.5.3-2]. */
function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(text);
}
