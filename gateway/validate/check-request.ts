/** Messages on their way to a checking thread, many in a few flat arrays. */
import type { DeviceStatus, EnrolledDevice, Inbound } from '../ports.ts';
import type { Question } from './check-statement.ts';

/** One message with what is known of its device. */
export interface Asked {
  readonly inbound: Inbound;
  readonly device: EnrolledDevice;
  /** The newest boot and one more than the greatest number held in it, when known. */
  readonly head: { readonly boot: number; readonly next: number } | undefined;
  readonly isNotHeld: boolean;
}

const STATUSES: readonly DeviceStatus[] = ['active', 'suspended', 'revoked'];
/** The places of a message's numbers. */
const NUMBER = {
  end: 0,
  device: 1,
  receivedAt: 2,
  keysEnd: 3,
  status: 4,
  boot: 5,
  next: 6,
  isNotHeld: 7,
} as const;
const NUMBERS = 8;

export interface CheckRequest {
  /** The messages, one after another. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The packed keys of each message's device, one after another. */
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly urns: readonly string[];
}

export function makeCheckRequest(asked: readonly Asked[]): CheckRequest {
  const numbers = new Float64Array(asked.length * NUMBERS);
  let [end, keysEnd] = [0, 0];
  for (const [at, { inbound, device, head, isNotHeld }] of asked.entries()) {
    end += inbound.bytes.length;
    keysEnd += device.packedKeys.length;
    const place = at * NUMBERS;
    numbers[place + NUMBER.end] = end;
    numbers[place + NUMBER.device] = device.id;
    numbers[place + NUMBER.receivedAt] = inbound.receivedAt;
    numbers[place + NUMBER.keysEnd] = keysEnd;
    numbers[place + NUMBER.status] = STATUSES.indexOf(device.status);
    numbers[place + NUMBER.boot] = head?.boot ?? Number.NaN;
    numbers[place + NUMBER.next] = head?.next ?? Number.NaN;
    numbers[place + NUMBER.isNotHeld] = isNotHeld ? 1 : 0;
  }
  const bytes = join(
    end,
    asked.map(({ inbound }) => inbound.bytes),
  );
  const keys = join(
    keysEnd,
    asked.map(({ device }) => device.packedKeys),
  );
  return { bytes, numbers, keys, urns: asked.map(({ device }) => device.urn) };
}

/** The message at a place, with the row id of its device and where it ends. */
export function questionAt(request: CheckRequest, at: number): Question & { device: number; end: number } {
  const { bytes, keys, numbers, urns } = request;
  const get = (place: number, of = at): number => (of < 0 ? 0 : (numbers[of * NUMBERS + place] as number));
  const end = get(NUMBER.end);
  return {
    end,
    device: get(NUMBER.device),
    bytes: bytes.subarray(get(NUMBER.end, at - 1), end),
    receivedAt: get(NUMBER.receivedAt),
    urn: urns[at] as string,
    status: STATUSES[get(NUMBER.status)] as DeviceStatus,
    keys: keys.subarray(get(NUMBER.keysEnd, at - 1), get(NUMBER.keysEnd)),
    boot: get(NUMBER.boot),
    next: get(NUMBER.next),
    isNotHeld: get(NUMBER.isNotHeld) === 1,
  };
}

function join(length: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
