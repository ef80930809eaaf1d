import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesToBase64, utf8ToBytes } from './bytes.ts';
import { createSigner } from './signature.ts';
import { findWebhookFault, formatWebhookKey, parseWebhookKey, signWebhook } from './webhook.ts';

const signer = createSigner('Ed25519', new Uint8Array(32).fill(1));
const former = createSigner('Ed25519', new Uint8Array(32).fill(2));
const publicKeys = [signer.publicKey.bytes];
/** Every byte value: text handling of any kind would change it. */
const body = Uint8Array.from({ length: 256 }, (_, i) => i);
const NOW = 1_893_456_000;

describe('signWebhook and findWebhookFault', () => {
  it('agree, within five minutes either way', async () => {
    const headers = await signWebhook('dlv_1', NOW, body, [signer]);
    expect(headers).toMatchObject({ id: 'dlv_1', timestamp: '1893456000' });
    for (const [offset, fault] of [
      [0, undefined],
      [300, undefined],
      [-300, undefined],
      [301, 'stale'],
      [-301, 'stale'],
    ] as const) {
      expect(findWebhookFault(headers, body, { publicKeys, nowSeconds: NOW + offset })).toBe(fault);
    }
  });

  it('agree with OpenSSL over `id.timestamp.body`', async () => {
    const { signature } = await signWebhook('dlv_1', NOW, body, [signer]);
    const message = Buffer.concat([Buffer.from(`dlv_1.${NOW}.`), body]);
    const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)]);
    const key = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
    expect(verify(null, message, createPublicKey(key), Buffer.from(signature.slice(4), 'base64'))).toBe(true);
    const theirs = {
      id: 'dlv_1',
      timestamp: String(NOW),
      signature: `v1a,${sign(null, message, key).toString('base64')}`,
    };
    expect(findWebhookFault(theirs, body, { publicKeys, nowSeconds: NOW })).toBeUndefined();
  });

  it('survive a change of keys on either side', async () => {
    const both = await signWebhook('dlv_1', NOW, body, [signer, former]);
    expect(both.signature.split(' ')).toHaveLength(2);
    for (const keys of [[signer], [former], [former, signer]]) {
      const options = { publicKeys: keys.map((key) => key.publicKey.bytes), nowSeconds: NOW };
      expect(findWebhookFault(both, body, options)).toBeUndefined();
    }
  });

  it('refuse whatever was not signed', async () => {
    const good = await signWebhook('dlv_1', NOW, body, [signer]);
    const strange = await signWebhook('dlv_1', NOW, body, [former]);
    const fault = (headers: Partial<typeof good>, bytes = body) =>
      findWebhookFault(headers, bytes, { publicKeys, nowSeconds: NOW });
    expect(fault({ ...good, id: 'dlv_2' })).toBe('bad-signature');
    expect(fault({ ...good, timestamp: String(NOW + 1) })).toBe('bad-signature');
    expect(fault({ ...good, id: `dlv_1.${NOW}` })).toBe('bad-signature');
    expect(fault(good, body.slice(1))).toBe('bad-signature');
    expect(fault(strange)).toBe('bad-signature');
    expect(fault({ ...good, signature: good.signature.replace('v1a', 'v1') })).toBe('bad-signature');
    for (const signature of [
      '',
      'v1a',
      'v1a,',
      'v1a,!!',
      `v1a,${bytesToBase64(new Uint8Array(63))}`,
      ' '.repeat(5_000),
    ]) {
      expect(fault({ ...good, signature })).toBe('bad-signature');
    }
    for (const timestamp of ['', '-1', '1e9', '0x1', ' 1', 'NaN', '9'.repeat(400)]) {
      expect(fault({ ...good, timestamp })).toBe('bad-signature');
    }
    const { id, timestamp, signature } = good;
    expect([
      fault({}),
      fault({ id, timestamp }),
      fault({ id, signature }),
      fault({ timestamp, signature }),
    ]).toEqual(Array(4).fill('missing-header'));
  });

  it('bound the work a header can cause', async () => {
    const good = await signWebhook('dlv_1', NOW, body, [signer]);
    const noise = `v1a,${bytesToBase64(new Uint8Array(64))}`;
    const options = { publicKeys, nowSeconds: NOW };
    expect(
      findWebhookFault(
        { ...good, signature: [noise, noise, noise, good.signature].join(' ') },
        body,
        options,
      ),
    ).toBeUndefined();
    expect(
      findWebhookFault(
        { ...good, signature: [noise, noise, noise, noise, good.signature].join(' ') },
        body,
        options,
      ),
    ).toBe('bad-signature');
  });

  it('name the argument that is misused', async () => {
    await expect(signWebhook('a.b', NOW, body, [signer])).rejects.toThrow(
      new TypeError('id must not be empty and must not hold a dot'),
    );
    const p256 = createSigner('ESP256', new Uint8Array(32).fill(1));
    await expect(signWebhook('a', NOW, body, [p256])).rejects.toThrow(
      new TypeError('signers must be Ed25519 (v1a)'),
    );
  });
});

describe('formatWebhookKey and parseWebhookKey', () => {
  it('agree, and refuse what is not a key', () => {
    const text = formatWebhookKey(signer.publicKey.bytes);
    expect(text).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    expect(parseWebhookKey(text)).toEqual(signer.publicKey.bytes);
    const secret = `whsk_${bytesToBase64(utf8ToBytes('x'.repeat(32)))}`;
    expect([secret, '', 'whpk_', text.slice(0, -1), `${text}=`, 'whpk_AAAA'].map(parseWebhookKey)).toEqual(
      Array(6).fill(undefined),
    );
    expect(() => formatWebhookKey(new Uint8Array(31))).toThrow(RangeError);
  });
});
