/** Messages on their way through the intake, and what is done to a batch of them between its checking and the log. */
import { equalBytes } from '../../src/bytes.ts';
import {
  type BatchRefusal,
  CheckedBatch,
  type CheckedData,
  SETTLED,
  type VerdictBatch,
} from '../checked-batch.ts';
import { GatewayError, WITHHELD } from '../errors.ts';
import type { EnrolledDevice, Inbound, Registry, Verdict } from '../ports.ts';

/** Codes that rest on the state of a device or its keys, which a change may have overtaken. */
const STANDING_CODES: ReadonlySet<string> = new Set([
  'unknown-key',
  'retired-key',
  'revoked-device',
  'suspended-device',
]);

const NO_KEYS = new Uint8Array(0);

/** One message that waits for its verdict. */
export interface Ticket {
  /** Counts up. */
  readonly arrival: number;
  readonly inbound: Inbound;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
  /** As it was known when the message was last checked. */
  device: EnrolledDevice | undefined;
  isNotHeld: boolean;
  trips: number;
}

/** Takes back refusals for a state of the device that has changed meanwhile: those messages are checked again. */
export function withdrawStale(
  tickets: readonly Ticket[],
  data: CheckedData,
  registry: Registry,
): CheckedData {
  if (data.refusals.length === 0) return data;
  const stands = ({ at, device: urn, code }: BatchRefusal): boolean => {
    if (!STANDING_CODES.has(code)) return true;
    const before = tickets[at]?.device;
    const now = registry.refresh(urn);
    return (
      before?.status === now?.status && equalBytes(before?.packedKeys ?? NO_KEYS, now?.packedKeys ?? NO_KEYS)
    );
  };
  return { ...data, refusals: data.refusals.filter(stands) };
}

/** A batch of messages that were refused without a look inside. */
export function refusedBatch(tickets: readonly Ticket[], refusals: BatchRefusal[]): CheckedData {
  const bytes = Uint8Array.from(Buffer.concat(tickets.map(({ inbound }) => inbound.bytes)));
  const batch = CheckedBatch.over(bytes, tickets.length, refusals);
  let end = 0;
  for (const [at, { inbound, device }] of tickets.entries()) {
    end += inbound.bytes.length;
    batch.describe(at, end, device?.id ?? 0, inbound.receivedAt);
  }
  return batch.data;
}

/** What the log's verdict means for one message of a batch: the answer, that it is checked again, or why it is not acknowledged. */
export function outcomeOf(
  device: string,
  at: number,
  checked: CheckedBatch,
  verdicts: VerdictBatch,
  refusal: Pick<BatchRefusal, 'code' | 'detail'> | undefined,
): Verdict | GatewayError | 'again' {
  const index = verdicts.index(at);
  switch (verdicts.kind(at)) {
    case SETTLED.accept: {
      const [boot, seq, flags] = [checked.boot(at), checked.seq(at), verdicts.flags(at)];
      return { kind: 'accept', index, boot, seq, flags };
    }
    case SETTLED.duplicate:
      return { kind: 'ignore', code: 'duplicate', index };
    case SETTLED.reject:
      if (refusal === undefined) throw new RangeError('a refusal without its reason');
      return { kind: 'reject', code: refusal.code, detail: refusal.detail };
    case SETTLED.again:
      return 'again';
    case SETTLED.noRoom:
      return noRoom(device);
    default:
      return erased();
  }
}

/** The bounds of quarantine are reached with what a suspended device signed, which must not be dropped. */
function noRoom(device: string): GatewayError {
  return new GatewayError(
    'held-back-full',
    `${device} is suspended and no more of its statements are kept; it keeps them itself until it is resumed`,
    { details: WITHHELD },
  );
}

/** Nobody's key could seal it. */
function erased(): GatewayError {
  return new GatewayError(
    'key-unreadable',
    'the patient of this device has been erased; enrol the device for another patient',
    { details: WITHHELD },
  );
}
