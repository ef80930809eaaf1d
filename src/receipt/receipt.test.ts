import { createHash, createPublicKey, verify } from 'node:crypto';
import { decode, encode } from 'cborg';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../bytes.ts';
import { type CborMap, CborTag, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { keyId } from '../cose/key.ts';
import { createSigner } from '../signature.ts';
import { withAnchors } from './envelope.ts';
import { decodeReceipt, signReceipt } from './receipt.ts';
import { Ledger, LOG_SIGNER, makeDevice, makeRun, ORIGIN } from './testing/ledger.ts';

const LEDGER = new Ledger(await makeRun(makeDevice(1), 3));
const STATEMENT = LEDGER.statements[1] as Uint8Array;
const RECEIPT = await LEDGER.signReceipt(1);
const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

describe('a receipt as other implementations read it', () => {
  test('RFC 9942 by hand, with another CBOR codec and OpenSSL', () => {
    const tags = { 18: (decodeContent: () => unknown) => decodeContent() };
    const options = { useMaps: true, tags };
    const [protectedBytes, unprotected, payload, signature] = decode(RECEIPT, options);
    const header = decode(protectedBytes, options);
    const claims = new Map([
      [1, ORIGIN],
      [2, 'vitals'],
    ]);
    expect(header).toEqual(
      new Map<number, unknown>([
        [1, -19],
        [4, keyId(LOG_SIGNER.publicKey)],
        [15, claims],
        [395, 1],
      ]),
    );
    expect(payload).toBeNull();
    expect([...unprotected.keys()]).toEqual([396]);
    const [size, index, path] = decode(unprotected.get(396).get(-1)[0]);
    expect([size, index, path.length]).toEqual([3, 1, 2]);
    // Leaf 1 of 3: its sibling on the left, then leaf 2 on the right.
    const leaf = sha256(Uint8Array.of(0), sha256(STATEMENT));
    const root = sha256(Uint8Array.of(1), sha256(Uint8Array.of(1), path[0], leaf), path[1]);
    expect(equalBytes(root, LEDGER.anchor.root)).toBe(true);
    const toBeSigned = encode(['Signature1', protectedBytes, new Uint8Array(0), Uint8Array.from(root)]);
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), LOG_SIGNER.publicKey.bytes]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(null, toBeSigned, key, signature)).toBe(true);
  });
});

describe('a receipt', () => {
  test('survives the way there and back', () => {
    expect(decodeReceipt(RECEIPT)).toMatchObject({
      kind: 'ok',
      value: { origin: ORIGIN, subject: 'vitals', size: 3, index: 1, anchors: [] },
    });
  });

  test('takes other anchors without a change to the rest', () => {
    const anchored = withAnchors(RECEIPT, [LEDGER.anchor, { ...LEDGER.anchor, chainId: 1n }]);
    const decoded = decodeReceipt(anchored);
    if (decoded.kind === 'reject') expect.fail(decoded.detail);
    expect(decoded.value.anchors.map(({ chainId }) => chainId)).toEqual([31337n, 1n]);
    expect(withAnchors(anchored, [])).toEqual(RECEIPT);
  });

  type Parts = [Uint8Array, CborMap, CborValue, Uint8Array];
  const changed = (change: (parts: Parts) => readonly CborValue[]) => {
    const tag = decodeCbor(RECEIPT) as CborTag;
    return decodeReceipt(encodeCbor(new CborTag(18, change(tag.value as unknown as Parts))));
  };
  const withHeader = (label: CborValue, value: CborValue | undefined) =>
    changed(([header, ...rest]) => {
      const map = new Map(decodeCbor(header) as CborMap);
      if (value === undefined) map.delete(label);
      else map.set(label, value);
      return [encodeCbor(map), ...rest];
    });
  const withProof = (proof: CborValue) =>
    changed(([header, , ...rest]) => [
      header,
      new Map([[396, new Map([[-1, [encodeCbor(proof)]]])]]),
      ...rest,
    ]);
  const node = new Uint8Array(32);

  test('is refused with a protected header that is not exactly ours', () => {
    const wrong: [CborValue, CborValue | undefined][] = [
      [1, -9],
      [1, 'EdDSA'],
      [4, new Uint8Array(7)],
      [4, undefined],
      [15, undefined],
      [15, new Map([[1, ORIGIN]])],
      [
        15,
        new Map([
          [1, 'two words'],
          [2, 'x'],
        ]),
      ],
      [
        15,
        new Map<number, CborValue>([
          [1, ORIGIN],
          [2, 7],
        ]),
      ],
      [395, 2],
      [395, undefined],
      [99, 0],
    ];
    for (const [label, value] of wrong) {
      expect(withHeader(label, value)).toMatchObject({ kind: 'reject', code: 'malformed' });
    }
    // -8 is the older name of the same algorithm.
    expect(withHeader(1, -8).kind).toBe('ok');
  });

  test('is refused with a proof that is not one inclusion proof', () => {
    expect(withProof([3, 1, [node]]).kind).toBe('ok');
    const wrong: CborValue[] = [
      null,
      [],
      [3, 1],
      [3, 1, [], 0],
      [3, 3, []],
      [0, 0, []],
      [-1, 0, []],
      [2n ** 60n, 0, []],
      [3, 1n << 60n, []],
      ['3', 1, []],
      [3, 1, node],
      [3, 1, [new Uint8Array(31)]],
      [3, 1, [null]],
    ];
    for (const proof of wrong) expect(withProof(proof).kind).toBe('reject');
  });

  test('is refused with anything else beside the proof', () => {
    const proof = encodeCbor([3, 1, [node]]);
    const wrong: CborMap[] = [
      new Map(),
      new Map([[396, proof]]),
      new Map([[396, new Map([[-1, proof]])]]),
      new Map([[396, new Map([[-1, []]])]]),
      new Map([[396, new Map([[-1, [proof, proof]]])]]),
      new Map([[396, new Map([[-2, [proof]]])]]),
      new Map([
        [
          396,
          new Map([
            [-1, [proof]],
            [-2, [proof]],
          ]),
        ],
      ]),
      new Map<CborValue, CborValue>([
        [396, new Map([[-1, [proof]]])],
        [-70010, []],
      ]),
      new Map<CborValue, CborValue>([
        [396, new Map([[-1, [proof]]])],
        [-70010, [0]],
      ]),
      new Map<CborValue, CborValue>([
        [396, new Map([[-1, [proof]]])],
        [99, 0],
      ]),
    ];
    for (const unprotected of wrong) {
      const decoded = changed(([header, , ...rest]) => [header, unprotected, ...rest]);
      expect(decoded).toMatchObject({ kind: 'reject', code: 'malformed' });
    }
    expect(changed(([a, b, , d]) => [a, b, node, d])).toMatchObject({
      detail: expect.stringMatching(/detached/),
    });
    expect(changed(([a, b, c]) => [a, b, c, new Uint8Array(63)])).toMatchObject({ kind: 'reject' });
  });

  test('misuse of signReceipt throws', async () => {
    const good = { origin: ORIGIN, subject: 'x', size: 3, root: node, index: 1, path: [node] };
    const sign = (change: object, signer = LOG_SIGNER) => signReceipt({ ...good, ...change }, signer);
    await expect(sign({ size: 0 })).rejects.toThrow(/size/);
    await expect(sign({ index: 3 })).rejects.toThrow(/index/);
    await expect(sign({ root: new Uint8Array(31) })).rejects.toThrow(/root/);
    await expect(sign({ path: [new Uint8Array(31)] })).rejects.toThrow(/path/);
    await expect(sign({ origin: 'two words' })).rejects.toThrow(/origin/);
    await expect(sign({ subject: '' })).rejects.toThrow(/subject/);
    await expect(sign({ subject: '\ud800' })).rejects.toThrow(/subject/);
    const ecdsa = createSigner('ESP256', new Uint8Array(32).fill(1));
    await expect(sign({}, ecdsa)).rejects.toThrow(/Ed25519/);
  });
});
