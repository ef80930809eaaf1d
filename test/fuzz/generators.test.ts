/** The generators themselves: a seed repeats them, what they call decent is decent, and they reach what they are for. */
import { beforeAll, describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/signature.ts';
import { decodeStatement } from '../../src/statement.ts';
import { type FuzzStream, MqttFuzzer } from '../support/mqtt-fuzz.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { FuzzDevice, mutateStatement } from '../support/statement-fuzz.ts';

const STREAMS = 2_000;
const STATEMENTS = 20_000;
const ORDINARY = new Set(['10', '30', '32', '33', '34', '62', '82', 'a2', 'c0', 'e0']);

describe('generated cases', () => {
  const devices: FuzzDevice[] = [];

  beforeAll(async () => {
    for (let number = 0; number < 4; number++) {
      const secret = new Uint8Array(32).fill(number + 1);
      devices.push(
        await FuzzDevice.create(`urn:dev:os:32473-f${number}`, secret, new SeededRandom(1, -1 - number)),
      );
    }
  });

  const streamsOf = (seed: number, count = STREAMS): FuzzStream[] => {
    const fuzzer = new MqttFuzzer(seed, devices);
    return Array.from({ length: count }, (_, number) => fuzzer.stream(number));
  };

  it('are the same for the same seed, in any order, and others for another', () => {
    const [first, again] = [streamsOf(1, 50), new MqttFuzzer(1, devices)];
    for (const stream of first.toReversed()) expect(again.stream(stream.number)).toEqual(stream);
    const bytesOf = (stream: FuzzStream): string => Buffer.concat(stream.segments).toString('hex');
    const others = new Set(streamsOf(2, 50).map(bytesOf));
    expect(first.filter((stream) => others.has(bytesOf(stream)))).toEqual([]);
  });

  it('are of every kind, cut in every way, with every ending', () => {
    const streams = streamsOf(3);
    const kinds = new Set(streams.map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(['connect', 'decent', 'garbage', 'mutated', 'statements']);
    expect(new Set(streams.map(({ ending }) => ending))).toEqual(new Set(['answered', 'fin', 'reset']));
    expect(Math.max(...streams.map(({ segments }) => segments.length))).toBeGreaterThan(8);
    expect(streams.filter(({ segments }) => segments.length === 1).length).toBeGreaterThan(STREAMS / 4);
    expect(new Set(streams.map(({ address }) => address)).size).toBeGreaterThan(STREAMS * 0.9);
  });

  it('are whole ordinary packets where they are called decent', () => {
    for (const { kind, segments, packets } of streamsOf(4)) {
      if (kind !== 'decent' && kind !== 'statements') continue;
      const seen = packetsIn(Buffer.concat(segments));
      expect(seen.length).toBe(packets);
      expect(seen[0]).toBe('10');
      expect(seen.filter((first) => !ORDINARY.has(first))).toEqual([]);
    }
  });

  it('reach past the form of a statement to each of its checks', () => {
    const random = new SeededRandom(5);
    const seen = { malformed: 0, 'not-deterministic': 0, forged: 0, genuine: 0 };
    const device = devices[0] as FuzzDevice;
    for (let left = STATEMENTS; left > 0; left--) {
      const decoded = decodeStatement(mutateStatement(random, device, devices)); // throws nothing, whatever it is given
      if (decoded.kind === 'reject') seen[decoded.code as 'malformed'] += 1;
      else {
        const { algorithm, signedBytes, signature } = decoded.value;
        // Of this device or another; verifying is slow, so a sample will do.
        if (left % 40 !== 0) continue;
        const { bytes } = device.signer.publicKey;
        seen[verifySignature(algorithm, bytes, signedBytes, signature) ? 'genuine' : 'forged'] += 1;
      }
    }
    expect(Object.keys(seen)).toHaveLength(4);
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20);
  });
});

/** First bytes of the packets in a stream, in hex. Throws when the last one is not whole. */
function packetsIn(bytes: Buffer): string[] {
  const firsts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    firsts.push(bytes.subarray(at, at + 1).toString('hex'));
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at += 1;
      byte = bytes.readUInt8(at);
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while ((byte & 0x80) !== 0);
    at += 1 + length;
  }
  if (at !== bytes.length) throw new RangeError('the last packet is cut short');
  return firsts;
}
