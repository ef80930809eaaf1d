import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifySignature } from '../../src/signature.ts';
import { decodeStatement } from '../../src/statement.ts';
import { devicePublicKey, deviceUrn, LoadDevice } from './device.ts';

/** The payload of a PUBLISH packet of QoS 1 with a remaining length of two bytes. */
function statementOf(packet: Buffer): Uint8Array {
  const topicBytes = packet.readUInt16BE(3);
  return packet.subarray(5 + topicBytes + 2);
}

describe.each(['Ed25519', 'ESP256'] as const)('a load device with an %s key', (algorithm) => {
  test('signs a chain of valid statements, past every length its numbers have', () => {
    const device = new LoadDevice(algorithm, 7);
    const key = devicePublicKey(algorithm, 7);
    let prev: Buffer | undefined;
    for (let seq = 0; seq < 260; seq++) {
      const packet = device.press(seq + 1);
      expect(packet.length - 2 - 1).toBe((packet[1] as number) - 128 + 128 * (packet[2] as number));
      const bytes = statementOf(packet);
      const decoded = decodeStatement(bytes);
      if (decoded.kind === 'reject') throw new Error(decoded.detail);
      const { value } = decoded;
      expect(value).toMatchObject({
        issuer: deviceUrn(algorithm, 7),
        seq,
        boot: 0,
        algorithm,
        contentType: 112,
      });
      expect(value.prev === undefined ? undefined : Buffer.from(value.prev)).toEqual(prev);
      if (seq % 20 === 0 || seq === 24 || seq === 256)
        expect(verifySignature(algorithm, key.bytes, value.signedBytes, value.signature)).toBe(true);
      prev = createHash('sha256').update(bytes).digest();
    }
  });

  test('numbers its packets as it is told', () => {
    const device = new LoadDevice(algorithm, 8);
    for (const id of [1, 255, 256, 65_535]) {
      const packet = device.press(id);
      expect(packet.readUInt16BE(packet.length - statementOf(packet).length - 2)).toBe(id);
    }
  });
});
