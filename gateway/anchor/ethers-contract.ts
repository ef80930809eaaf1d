/** The words of the ReadingLog contract: calls in, answers, events and reverts out. No wire, no key. */
import { Interface } from 'ethers';
import { READING_LOG_ABI } from '../../contracts/index.ts';
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorTarget } from '../ports.ts';
import { AnswerError, type EventLog, readBytes } from './answers.ts';
import type { AnchorCall, ContractHead } from './chain.ts';

const ABI = new Interface(READING_LOG_ABI);

/** Of the function that anchors, as it is hashed into calldata. */
export const ANCHOR_SIGNATURE = ABI.getFunction('anchor')?.format() ?? '';

/** One log in one contract. Readers throw AnswerError, or an error of ethers, at what they cannot read. */
export class LogContract {
  /** Lower-case 0x hex, as nodes give it in events. */
  readonly address: string;
  readonly logId: string;

  constructor(target: AnchorTarget) {
    this.address = toHex(target.contract);
    this.logId = toHex(target.logId);
  }

  anchorData(call: AnchorCall): string {
    return ABI.encodeFunctionData('anchor', [this.logId, call.size, call.root, [...call.consistencyProof]]);
  }

  /** Calldata of a view that takes only the log id. */
  viewData(name: 'head' | 'logOf'): string {
    return ABI.encodeFunctionData(name, [this.logId]);
  }

  readHead(answer: string): ContractHead {
    const [size, root] = ABI.decodeFunctionResult('head', answer);
    return { size: readSize(size), root: readBytes(root, 32, 'the root') };
  }

  /** 20 bytes; `undefined` for the zero address, which operates nothing. */
  readOperator(answer: string): Uint8Array | undefined {
    const operator = ABI.decodeFunctionResult('logOf', answer).getValue('operator');
    const bytes = readBytes(operator, 20, 'the operator');
    return bytes.every((byte) => byte === 0) ? undefined : bytes;
  }

  /** What an event recorded for this log; nothing for any other event. */
  readAnchored(log: EventLog): ContractHead[] {
    if (toHex(log.address) !== this.address || log.topics.length === 0) return [];
    const event = ABI.parseLog({ topics: log.topics, data: log.data });
    if (event?.name !== 'Anchored' || event.args['logId'] !== this.logId) return [];
    return [{ size: readSize(event.args['size']), root: readBytes(event.args['root'], 32, 'the root') }];
  }
}

/** The name of the contract's custom error in the `data` of a refusal, if the node handed it through. */
export function revertName(data: unknown): string | undefined {
  if (typeof data !== 'string' || !/^0x(?:[0-9a-f]{2}){4,}$/i.test(data)) return undefined;
  try {
    return ABI.parseError(data)?.name;
  } catch {
    return undefined;
  }
}

export function toHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

function readSize(value: unknown): number {
  if (typeof value === 'bigint' && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new AnswerError('the size is no safe integer');
}
