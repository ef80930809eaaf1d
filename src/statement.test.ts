import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, hexToBytes, utf8ToBytes } from './bytes.ts';
import { CborFloat, type CborMap, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import type { Algorithm } from './cose/algorithm.ts';
import { keyId, type PublicKey } from './cose/key.ts';
import { decodeSign1, encodeSign1, signatureInput } from './cose/sign1.ts';
import { createSigner, type Signer, verifySignature } from './signature.ts';
import {
  decodeStatement,
  hashEntry,
  type Statement,
  type StatementFields,
  signStatement,
} from './statement.ts';

const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const signerOf = (algorithm: Algorithm) => createSigner(algorithm, new Uint8Array(32).fill(7));
const FIELDS: StatementFields = {
  issuer: 'urn:dev:mac:0024befffe804ff1',
  subject: 'vitals',
  contentType: 112,
  issuedAt: 1_700_000_000.25,
  seq: 41,
  prev: new Uint8Array(32).fill(1),
  beacon: { blockNumber: 19_000_000n, blockHash: new Uint8Array(32).fill(2) },
  boot: 3,
  payload: hexToBytes('81a200626872021848'),
};
const FIRST: StatementFields = {
  issuer: 'urn:dev:ow:10e2073a01080063',
  subject: 'ecg',
  contentType: 'application/octet-stream',
  seq: 0,
  payload: new Uint8Array(0),
};

function decoded(bytes: Uint8Array): Statement {
  const result = decodeStatement(bytes);
  if (result.kind === 'reject') throw new Error(result.detail);
  return result.value;
}

function refusal(bytes: Uint8Array): string {
  const result = decodeStatement(bytes);
  return result.kind === 'reject' ? `${result.code}: ${result.detail}` : 'ok';
}

const verified = (statement: Statement, key: PublicKey) =>
  verifySignature(statement.algorithm, key.bytes, statement.signedBytes, statement.signature);

describe('a statement', () => {
  test.each(ALGORITHMS)('%s: is signed, decoded and verified', async (algorithm) => {
    const signer = signerOf(algorithm);
    for (const fields of [FIELDS, FIRST]) {
      const bytes = await signStatement(fields, signer);
      const statement = decoded(bytes);
      expect(statement).toMatchObject({
        ...fields,
        boot: fields.boot ?? 0,
        algorithm,
        kid: keyId(signer.publicKey),
      });
      expect(statement.bytes).toEqual(bytes);
      expect(verified(statement, signer.publicKey)).toBe(true);
      expect(Object.keys(statement).includes('issuedAt')).toBe('issuedAt' in fields);
      expect(Object.keys(statement).includes('prev')).toBe('prev' in fields);
      expect(Object.keys(statement).includes('beacon')).toBe('beacon' in fields);
    }
  });

  test('has these bytes', async () => {
    const bytes = await signStatement(FIELDS, signerOf('Ed25519'));
    expect(bytesToHex(bytes)).toMatchInlineSnapshot(
      `"d28458a4a801320318700448cbf65c8afcb5f6900fa301781c75726e3a6465763a6d61633a303032346265666666653830346666310266766974616c7306fb41d954fc401000003a0001117018293a00011171582001010101010101010101010101010101010101010101010101010101010101013a00011172821a0121eac0582002020202020202020202020202020202020202020202020202020202020202023a0001117303a04981a20062687202184858408e434db6b2ac94d4b68de29b95bbca5a346b73b54d95d13dd2768b219f261e7ff0bf84b7120a62513f58ca9093717e2637cfc40ef0a434d5f600d418963ecd0f"`,
    );
    expect(bytesToHex(hashEntry(bytes))).toMatchInlineSnapshot(
      `"2e9237cd3d106ef2b29adcdd688f8a1082ec3cf47bec004feb810bb12ba77543"`,
    );
  });

  test('owns its bytes: the input may be used again, also a Node Buffer', async () => {
    const input = Buffer.from(await signStatement(FIELDS, signerOf('Ed25519')));
    const statement = decoded(input);
    const before = structuredClone(statement);
    input.fill(0);
    expect(statement).toEqual(before);
  });

  test('is the same for a signer that answers later', async () => {
    const signer = signerOf('ESP256');
    const later: Signer = { publicKey: signer.publicKey, sign: async (message) => signer.sign(message) };
    expect(await signStatement(FIELDS, later)).toEqual(await signStatement(FIELDS, signer));
  });

  test('chains: prev is the hash of the statement before', async () => {
    const signer = signerOf('Ed25519');
    const first = await signStatement(FIRST, signer);
    const second = decoded(await signStatement({ ...FIRST, seq: 1, prev: hashEntry(first) }, signer));
    expect(second.prev).toEqual(hashEntry(first));
  });
});

describe('signStatement refuses to sign what would be refused', () => {
  const unused: Signer = {
    publicKey: signerOf('Ed25519').publicKey,
    sign: () => {
      throw new Error('asked to sign');
    },
  };

  test.each<[string, Partial<StatementFields>, string]>([
    ['an issuer that is no device', { issuer: 'alice' }, 'fields: iss: not a device URN'],
    ['an empty subject', { subject: '' }, 'fields: sub: not 1 to 128 bytes of plain text'],
    ['an unsafe seq', { seq: 2 ** 53 }, 'fields: seq: not an unsigned integer below 2^53'],
    ['a negative seq', { seq: -1 }, 'fields: seq: not an unsigned integer below 2^53'],
    ['a negative boot', { boot: -1 }, 'fields: boot: not an unsigned integer below 2^53'],
    ['a prev at seq 0', { seq: 0 }, 'fields: prev: present although seq is 0'],
    ['a short prev', { prev: new Uint8Array(31) }, 'fields: prev: not 32 bytes'],
    ['a time that is none', { issuedAt: Number.NaN }, 'fields: iat: not a time in years 1 to 9999'],
    [
      'a content format out of range',
      { contentType: 65536 },
      'fields: content type: neither content format nor media type',
    ],
    [
      'a short block hash',
      { beacon: { blockNumber: 1n, blockHash: new Uint8Array(20) } },
      'fields: beacon: not [uint, 32 bytes]',
    ],
    [
      'a negative block',
      { beacon: { blockNumber: -1n, blockHash: new Uint8Array(32) } },
      'fields: beacon: not [uint, 32 bytes]',
    ],
  ])('%s', async (_name, change, message) => {
    await expect(signStatement({ ...FIELDS, ...change }, unused)).rejects.toThrow(message);
  });

  test('a missing prev, a payload that is not bytes, a signer with another form', async () => {
    const { prev: _, ...withoutPrev } = FIELDS;
    await expect(signStatement(withoutPrev, unused)).rejects.toThrow(
      'fields: prev: missing although seq is not 0',
    );
    const text = { ...FIELDS, payload: 'text' as unknown as Uint8Array };
    await expect(signStatement(text, unused)).rejects.toThrow(TypeError);
    const der: Signer = { ...unused, sign: () => new Uint8Array(70) };
    await expect(signStatement(FIELDS, der)).rejects.toThrow('signer: a raw signature has 64 bytes');
  });
});

describe('every rule of the header', () => {
  const signature = new Uint8Array(64);
  const template = protectedHeader();

  function protectedHeader(): CborMap {
    const claims = new Map<CborValue, CborValue>([
      [1, FIELDS.issuer],
      [2, 'vitals'],
      [6, 1_700_000_000],
    ]);
    return new Map<CborValue, CborValue>([
      [1, -19],
      [3, 112],
      [4, new Uint8Array(8)],
      [15, claims],
      [-70001, 41],
      [-70002, new Uint8Array(32)],
      [-70003, [19_000_000, new Uint8Array(32)]],
      [-70004, 3],
    ]);
  }

  /** The template with one label set, or removed when the value is `undefined`. */
  function withLabel(label: CborValue, value: CborValue | undefined): Uint8Array {
    const header = new Map(template);
    if (value === undefined) header.delete(label);
    else header.set(label, value);
    return encodeSign1({ protectedBytes: encodeCbor(header), payload: new Uint8Array(1), signature });
  }

  function withClaim(key: CborValue, value: CborValue | undefined): Uint8Array {
    const claims = new Map(template.get(15) as CborMap);
    if (value === undefined) claims.delete(key);
    else claims.set(key, value);
    return withLabel(15, claims);
  }

  test('the template is well-formed', () => expect(refusal(withLabel(1, -19))).toBe('ok'));

  test.each<[string, CborValue, CborValue | undefined]>([
    ['no alg', 1, undefined],
    ['alg ES384', 1, -35],
    ['alg as text', 1, 'EdDSA'],
    ['alg as a float', 1, new CborFloat(-19)],
    ['crit', 2, [1]],
    ['no content type', 3, undefined],
    ['a negative content format', 3, -1],
    ['a content format beyond 16 bits', 3, 65536],
    ['an empty media type', 3, ''],
    ['a media type without subtype', 3, 'text'],
    ['a media type with a line break', 3, 'text/plain\n'],
    ['no kid', 4, undefined],
    ['a kid of 7 bytes', 4, new Uint8Array(7)],
    ['a kid of 9 bytes', 4, new Uint8Array(9)],
    ['a kid as text', 4, 'k'],
    ['no claims', 15, undefined],
    ['claims as bytes', 15, new Uint8Array(4)],
    ['no seq', -70001, undefined],
    ['a negative seq', -70001, -1],
    ['a seq of 2^53', -70001, 2n ** 53n],
    ['a seq as a float', -70001, new CborFloat(41)],
    ['a seq as bytes', -70001, new Uint8Array(4)],
    ['no prev', -70002, undefined],
    ['a prev of 31 bytes', -70002, new Uint8Array(31)],
    ['a prev of nil', -70002, null],
    ['a beacon of one', -70003, [1]],
    ['a beacon of three', -70003, [1, new Uint8Array(32), 1]],
    ['a beacon with a short hash', -70003, [1, new Uint8Array(31)]],
    ['a beacon with a negative number', -70003, [-1, new Uint8Array(32)]],
    ['a beacon with a fraction', -70003, [new CborFloat(1.5), new Uint8Array(32)]],
    ['a beacon of nil', -70003, null],
    ['a negative boot', -70004, -1],
    ['a boot of nil', -70004, null],
    ['a boot of 2^53', -70004, 2n ** 53n],
    ['an unknown label', 5, new Uint8Array(8)],
    ['an unknown private label', -70005, 1],
    ['a text label', 'seq', 1],
    ['an unknown label of 64 bits', 2n ** 60n, 1],
  ])('%s is malformed', (_name, label, value) =>
    expect(refusal(withLabel(label, value))).toMatch(/^malformed: /),
  );

  test.each<[string, CborValue, CborValue | undefined]>([
    ['no iss', 1, undefined],
    ['an iss that is no device', 1, 'https://example.com'],
    ['an iss as bytes', 1, utf8ToBytes('urn:dev:mac:0024befffe804ff1')],
    ['no sub', 2, undefined],
    ['an empty sub', 2, ''],
    ['a sub of 129 bytes', 2, 'x'.repeat(129)],
    ['a sub of 65 characters in 130 bytes', 2, 'é'.repeat(65)],
    ['a sub with a control character', 2, 'vitals\u0007'],
    ['an iat as text', 6, '2024-01-01'],
    ['an iat of nil', 6, null],
    ['an iat of NaN', 6, new CborFloat(Number.NaN)],
    ['an iat of infinity', 6, new CborFloat(Number.POSITIVE_INFINITY)],
    ['an iat beyond year 9999', 6, 253_402_300_800],
    ['an iat beyond 2^53', 6, 2n ** 60n],
    ['an unknown claim', 7, new Uint8Array(4)],
    ['a text claim', 'iss', 'x'],
  ])('%s is malformed', (_name, key, value) =>
    expect(refusal(withClaim(key, value))).toMatch(/^malformed: /),
  );

  test.each<[string, Uint8Array]>([
    ['alg -8', withLabel(1, -8)],
    ['alg -7', withLabel(1, -7)],
    ['a media type with a parameter', withLabel(3, 'text/plain; charset=utf-8')],
    ['content format 0', withLabel(3, 0)],
    ['the largest seq', withLabel(-70001, Number.MAX_SAFE_INTEGER)],
    ['no beacon', withLabel(-70003, undefined)],
    ['a block number of 64 bits', withLabel(-70003, [2n ** 64n - 1n, new Uint8Array(32)])],
    ['no boot', withLabel(-70004, undefined)],
    ['a boot of 0, written out', withLabel(-70004, 0)],
    ['no iat', withClaim(6, undefined)],
    ['an iat with a fraction', withClaim(6, new CborFloat(1.5))],
    ['an iat that is a whole float', withClaim(6, new CborFloat(1))],
    ['a clock at the epoch', withClaim(6, 0)],
    ['a clock before the epoch', withClaim(6, -1)],
    ['a sub in another script', withClaim(2, '心電図')],
  ])('%s is accepted', (_name, bytes) => expect(refusal(bytes)).toBe('ok'));

  test('an unprotected header, a detached payload, and other signature lengths are malformed', () => {
    const protectedBytes = encodeCbor(template);
    const parts = { protectedBytes, payload: new Uint8Array(1), signature };
    const withKid = new Map<CborValue, CborValue>([[33, Uint8Array.of(1)]]);
    expect(refusal(encodeSign1({ ...parts, unprotectedHeader: withKid }))).toBe(
      'malformed: unprotected header: not empty',
    );
    expect(refusal(encodeSign1({ ...parts, payload: null }))).toBe('malformed: payload: detached');
    for (const length of [0, 63, 65, 70, 96]) {
      const other = new Uint8Array(length);
      expect(refusal(encodeSign1({ ...parts, signature: other }))).toBe('malformed: signature: not 64 bytes');
    }
  });

  test('no parameters at all is malformed', () => {
    const bytes = encodeSign1({ protectedBytes: new Uint8Array(0), payload: new Uint8Array(1), signature });
    expect(refusal(bytes)).toMatch(/^malformed: alg/);
  });
});

describe('one byte changed', () => {
  /** Every change of one byte that still decodes. */
  function* decodable(
    bytes: Uint8Array,
  ): Generator<{ readonly index: number; readonly statement: Statement }> {
    for (let index = 0; index < bytes.length; index++) {
      for (let flip = 1; flip < 256; flip++) {
        const changed = Uint8Array.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ flip;
        const result = decodeStatement(changed);
        if (result.kind === 'ok') yield { index, statement: result.value };
      }
    }
  }

  test.each(ALGORITHMS)('%s: is refused, or the signature no longer verifies', async (algorithm) => {
    const signer = signerOf(algorithm);
    const bytes = await signStatement({ ...FIRST, payload: hexToBytes('80') }, signer);
    const original = decoded(bytes);
    const checked = new Set<number>();
    for (const { index, statement } of decodable(bytes)) {
      // What decodes differs in what is signed or in the signature, never in neither: no byte is without meaning.
      const sameMessage = bytesToHex(statement.signedBytes) === bytesToHex(original.signedBytes);
      const sameSignature = bytesToHex(statement.signature) === bytesToHex(original.signature);
      expect(sameMessage, `byte ${index}`).toBe(!sameSignature);
      if (checked.has(index)) continue; // one verification for each byte keeps this quick
      checked.add(index);
      expect(verified(statement, signer.publicKey), `byte ${index}`).toBe(false);
    }
    expect(checked.size).toBeGreaterThan(64);
  });

  test('or one inserted, removed or appended: likewise', async () => {
    const signer = signerOf('Ed25519');
    const bytes = await signStatement(FIELDS, signer);
    for (let index = 0; index <= bytes.length; index++) {
      const removed = Uint8Array.from([...bytes.subarray(0, index), ...bytes.subarray(index + 1)]);
      if (index < bytes.length) expect(refusal(removed)).not.toBe('ok');
      for (const byte of [0x00, 0x40, 0xff]) {
        const inserted = Uint8Array.from([...bytes.subarray(0, index), byte, ...bytes.subarray(index)]);
        expect(refusal(inserted)).not.toBe('ok');
      }
    }
  });
});

describe('properties', () => {
  const counter = fc.maxSafeInteger().map(Math.abs);
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const fields: fc.Arbitrary<StatementFields> = fc
    .record(
      {
        issuer: fc.constantFrom(FIELDS.issuer, FIRST.issuer, 'urn:dev:example:a_b'),
        subject: fc
          .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
          .filter((s) => !/\p{Cc}/u.test(s)),
        contentType: fc.oneof(fc.nat(65535), fc.constant('application/cbor')),
        issuedAt: fc.oneof(fc.nat(), fc.double({ min: -6e10, max: 2e11, noNaN: true })),
        seq: counter,
        prev: hash,
        beacon: fc.record({ blockNumber: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), blockHash: hash }),
        boot: counter,
        payload: fc.uint8Array({ maxLength: 200 }),
      },
      { requiredKeys: ['issuer', 'subject', 'contentType', 'seq', 'prev', 'payload'] },
    )
    .map(({ prev, ...rest }) => (rest.seq === 0 ? rest : { ...rest, prev }));
  /** A signature is not what these properties are about. */
  const stub: Signer = { publicKey: signerOf('ES256K').publicKey, sign: () => new Uint8Array(64).fill(5) };

  test('what is signed decodes to the same fields and encodes to the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (input) => {
        const bytes = await signStatement(input, stub);
        const { algorithm, kid, signature, signedBytes, bytes: kept, ...rest } = decoded(bytes);
        const issuedAt = 'issuedAt' in input ? { issuedAt: (input.issuedAt ?? 0) + 0 } : {};
        expect({ ...rest, ...('issuedAt' in rest && { issuedAt: (rest.issuedAt ?? 0) + 0 }) }).toEqual({
          ...input,
          ...issuedAt,
          boot: input.boot ?? 0,
        });
        expect(kept).toEqual(bytes);
        expect(encodeCbor(decodeCbor(bytes))).toEqual(bytes);
        const sign1 = decodeSign1(bytes);
        if (sign1.kind === 'reject') throw new Error(sign1.detail);
        expect(signedBytes).toEqual(signatureInput(sign1.value.protectedBytes, input.payload));
        expect([algorithm, kid, signature]).toEqual([
          'ES256K',
          keyId(stub.publicKey),
          new Uint8Array(64).fill(5),
        ]);
      }),
    );
  });

  test('bytes of any kind give a statement or one of two codes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(refusal(bytes)).toMatch(/^(malformed|not-deterministic): /);
      }),
    );
  });
});
