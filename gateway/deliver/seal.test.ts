import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DELIVERY_INFO } from '../../src/delivery.ts';
import { isSealingKey, sealDelivery } from './seal.ts';
import { seed } from './testing/fake-log.ts';

const privateKey = seed('recipient');
const recipient = publicOf(privateKey);
const aad = seed('aad');

describe('sealDelivery', () => {
  it('can be opened by RFC 9180 written out from its parts', async () => {
    for (const length of [0, 1, 5_000]) {
      const body = new Uint8Array(length).fill(9);
      const sealed = await sealDelivery(body, { recipient, aad });
      expect(sealed.length).toBe(32 + length + 16);
      expect(openByHand(sealed, aad)).toEqual(body);
    }
  });

  it('never seals twice alike', async () => {
    const [a, b] = [
      await sealDelivery(seed('x'), { recipient, aad }),
      await sealDelivery(seed('x'), { recipient, aad }),
    ];
    expect(a).not.toEqual(b);
    expect(a.slice(0, 32)).not.toEqual(b.slice(0, 32));
  });

  it('refuses a key that is none', async () => {
    for (const bad of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(32)]) {
      await expect(sealDelivery(seed('x'), { recipient: bad, aad })).rejects.toThrow(RangeError);
    }
  });
});

const VECTORS = '../shared/data/vectors/wycheproof/x25519_test.json';

describe.skipIf(!existsSync(VECTORS))(
  'isSealingKey, over Wycheproof X25519 (skipped when ../shared/data is absent)',
  () => {
    it('refuses exactly the public keys that give the all-zero secret', async () => {
      const file = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
        testGroups: { tests: { public: string; shared: string; flags: string[] }[] }[];
      };
      const tests = file.testGroups.flatMap((group) => group.tests);
      expect(tests.length).toBeGreaterThan(400);
      let refused = 0;
      for (const { public: key, shared } of tests) {
        const usable = await isSealingKey(new Uint8Array(Buffer.from(key, 'hex')));
        expect(usable, key).toBe(!/^0*$/.test(shared));
        if (!usable) refused += 1;
      }
      expect(refused).toBeGreaterThan(10);
    });
  },
);

function publicOf(secret: Uint8Array): Uint8Array {
  const { x = '' } = createPublicKey(nodeKey(secret)).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x, 'base64url'));
}

function nodeKey(secret: Uint8Array) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** RFC 9180 sections 4.1, 5.1 and 5.2, for this suite and the first message only. */
function openByHand(sealed: Uint8Array, aad: Uint8Array): Uint8Array {
  const enc = Buffer.from(sealed.slice(0, 32));
  const der = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), enc]);
  const dh = diffieHellman({
    privateKey: nodeKey(privateKey),
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  });
  const kem = suite('KEM', 0x0020);
  const shared = kem.expand(
    kem.extract('', 'eae_prk', dh),
    'shared_secret',
    Buffer.concat([enc, recipient]),
    32,
  );
  const hpke = suite('HPKE', 0x0020, 0x0001, 0x0002);
  const context = Buffer.concat([
    Buffer.of(0),
    hpke.extract('', 'psk_id_hash', ''),
    hpke.extract('', 'info_hash', DELIVERY_INFO),
  ]);
  const secret = hpke.extract(shared, 'secret', '');
  const key = hpke.expand(secret, 'key', context, 32);
  const decipher = createDecipheriv('aes-256-gcm', key, hpke.expand(secret, 'base_nonce', context, 12));
  decipher.setAAD(aad).setAuthTag(sealed.slice(-16));
  return new Uint8Array(Buffer.concat([decipher.update(sealed.slice(32, -16)), decipher.final()]));
}

/** LabeledExtract and LabeledExpand (RFC 9180 section 4). */
function suite(name: string, ...ids: number[]) {
  const suiteId = Buffer.concat([Buffer.from(name), ...ids.map((id) => Buffer.of(id >> 8, id & 255))]);
  const labeled = (label: string) => Buffer.concat([Buffer.from('HPKE-v1'), suiteId, Buffer.from(label)]);
  return {
    extract: (salt: string | Buffer, label: string, ikm: string | Uint8Array) =>
      createHmac('sha256', salt).update(labeled(label)).update(ikm).digest(),
    expand: (prk: Buffer, label: string, info: Uint8Array, length: number): Buffer => {
      const block = createHmac('sha256', prk)
        .update(Buffer.of(0, length))
        .update(labeled(label))
        .update(info)
        .update(Buffer.of(1))
        .digest();
      return block.subarray(0, length);
    },
  };
}
