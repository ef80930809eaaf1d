import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes.ts';
import { CborTag, type CborValue, encodeCbor } from '../cbor.ts';
import { verifySignature } from '../signature.ts';
import { algorithmFromId } from './algorithm.ts';
import { parsePublicKey } from './key.ts';
import { decodeSign1, encodeSign1, signatureInput } from './sign1.ts';

const EXAMPLES = new URL('../../../shared/data/vectors/cose/', import.meta.url);
const PAYLOAD = new TextEncoder().encode('This is the content.');

interface Example {
  readonly title: string;
  readonly input: { readonly sign0?: { readonly key: Readonly<Record<string, string>> } };
  readonly intermediates: { readonly ToBeSign_hex?: string };
  readonly output: { readonly cbor: string };
}

function readExamples(): (Example & { readonly file: string })[] {
  if (!existsSync(EXAMPLES)) return [];
  return ['ecdsa-examples', 'eddsa-examples'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, EXAMPLES))
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({
        file: `${folder}/${name}`,
        ...JSON.parse(readFileSync(new URL(`${folder}/${name}`, EXAMPLES), 'utf8')),
      })),
  );
}

function decoded(bytes: Uint8Array) {
  const result = decodeSign1(bytes);
  if (result.kind === 'reject') throw new Error(result.detail);
  return result.value;
}

function refusal(bytes: Uint8Array): string {
  const result = decodeSign1(bytes);
  return result.kind === 'reject' ? `${result.code}: ${result.detail}` : 'ok';
}

describe.skipIf(!existsSync(EXAMPLES))('COSE working group examples (skipped without ../shared/data)', () => {
  const examples = readExamples();
  const sign1 = examples.filter((example) => example.input.sign0 !== undefined);

  test('holds six COSE_Sign1 and six COSE_Sign examples', () => {
    expect(sign1).toHaveLength(6);
    expect(examples).toHaveLength(12);
  });

  test.each(sign1)(
    '$file: decoded, encoded again, and its Sig_structure rebuilt',
    ({ output, intermediates }) => {
      const bytes = hexToBytes(output.cbor);
      const value = decoded(bytes);
      expect(encodeSign1(value)).toEqual(bytes);
      expect(value.payload).toEqual(PAYLOAD);
      const rebuilt = signatureInput(value.protectedBytes, value.payload ?? new Uint8Array());
      expect(bytesToHex(rebuilt)).toBe(intermediates.ToBeSign_hex?.toLowerCase());
    },
  );

  test.each(sign1)('$file: verified when its algorithm is spoken here', ({ file, input, output }) => {
    const { protectedHeader, protectedBytes, payload, signature } = decoded(hexToBytes(output.cbor));
    const algorithm = algorithmFromId(protectedHeader.get(1) as number);
    // P-384, P-521, P-256 with SHA-512 and Ed448 are not; nor may -8 be taken for Ed25519 when the key is Ed448.
    const spoken = ['ecdsa-examples/ecdsa-sig-01.json', 'eddsa-examples/eddsa-sig-01.json'].includes(file);
    const key = publicKeyBytes(input.sign0?.key ?? {});
    if (algorithm === undefined) return expect(spoken).toBe(false);
    const parsed = parsePublicKey(algorithm, key);
    expect(parsed.kind).toBe(spoken ? 'ok' : 'reject');
    const message = signatureInput(protectedBytes, payload ?? new Uint8Array());
    expect(verifySignature(algorithm, key, message, signature)).toBe(spoken);
  });

  test.each(examples.filter((example) => example.input.sign0 === undefined))(
    '$file: COSE_Sign (tag 98) is not a COSE_Sign1',
    ({ output }) => expect(refusal(hexToBytes(output.cbor))).toBe('malformed: not tagged as COSE_Sign1 (18)'),
  );

  function publicKeyBytes(key: Readonly<Record<string, string>>): Uint8Array {
    if (key['x_hex'] !== undefined) return hexToBytes(key['x_hex']);
    const coordinate = (name: string) => new Uint8Array(Buffer.from(key[name] ?? '', 'base64url'));
    return concatBytes(Uint8Array.of(4), coordinate('x'), coordinate('y'));
  }
});

describe('the protected header', () => {
  const signature = new Uint8Array(64);

  test('without parameters it is the empty byte string, in the message and under the signature', () => {
    const empty = new Uint8Array(0);
    const bytes = encodeSign1({ protectedBytes: empty, payload: PAYLOAD, signature });
    expect(bytesToHex(bytes.subarray(0, 4))).toBe('d28440a0');
    expect(decoded(bytes)).toMatchObject({ protectedBytes: empty, protectedHeader: new Map() });
    const expected = `846a5369676e6174757265314040${bytesToHex(encodeCbor(PAYLOAD))}`;
    expect(bytesToHex(signatureInput(empty, PAYLOAD))).toBe(expected);
    expect(bytesToHex(signatureInput(Uint8Array.of(0xa0), PAYLOAD))).toBe(expected);
  });

  test('an empty map in a byte string is a second way to write it, and refused', () => {
    const bytes = encodeSign1({ protectedBytes: Uint8Array.of(0xa0), payload: PAYLOAD, signature });
    expect(refusal(bytes)).toBe('not-deterministic: an empty protected header is the empty byte string');
  });

  test('its own encoding must be deterministic too', () => {
    const written = (hex: string) =>
      encodeSign1({ protectedBytes: hexToBytes(hex), payload: PAYLOAD, signature });
    expect(refusal(written('a10132'))).toBe('ok');
    expect(refusal(written('a1013812'))).toBe(
      'not-deterministic: a number or length that is not in its shortest form, at byte 2',
    );
    expect(refusal(written('bf0132ff'))).toBe('not-deterministic: an indefinite length, at byte 0');
    expect(refusal(written('a1013200'))).toBe('malformed: bytes after the item, at byte 3');
    expect(refusal(written('80'))).toBe('malformed: protected header is not a map');
  });
});

describe('what is not a COSE_Sign1', () => {
  const bstr = new Uint8Array(2);
  const tagged = (value: CborValue, tag = 18) => encodeCbor(new CborTag(tag, value));

  test.each<[string, Uint8Array]>([
    ['no tag', encodeCbor([new Uint8Array(0), new Map(), bstr, bstr])],
    ['the tag twice', tagged(new CborTag(18, [new Uint8Array(0), new Map(), bstr, bstr]))],
    ['another tag', tagged([new Uint8Array(0), new Map(), bstr, bstr], 98)],
    ['the CWT tag around it', tagged(new CborTag(18, [new Uint8Array(0), new Map(), bstr, bstr]), 61)],
    ['three elements', tagged([new Uint8Array(0), new Map(), bstr])],
    ['five elements', tagged([new Uint8Array(0), new Map(), bstr, bstr, bstr])],
    ['not an array', tagged(new Map())],
    ['a protected header that is a map', tagged([new Map(), new Map(), bstr, bstr])],
    ['an unprotected header that is bytes', tagged([new Uint8Array(0), bstr, bstr, bstr])],
    ['a payload of text', tagged([new Uint8Array(0), new Map(), 'text', bstr])],
    ['a signature of nil', tagged([new Uint8Array(0), new Map(), bstr, null])],
    ['a label in both headers', tagged([hexToBytes('a10132'), new Map([[1, -19]]), bstr, bstr])],
    ['a label of bytes', tagged([new Uint8Array(0), new Map([[bstr, 0]]), bstr, bstr])],
    ['a protected label of bytes', tagged([hexToBytes('a1410000'), new Map(), bstr, bstr])],
    ['nothing', new Uint8Array(0)],
  ])('%s', (_name, bytes) => expect(refusal(bytes)).toMatch(/^malformed: /));

  test('any bytes are refused or decode to something that encodes to them', () => {
    const base = encodeSign1({
      protectedBytes: hexToBytes('a10132'),
      payload: bstr,
      signature: new Uint8Array(64),
    });
    fc.assert(
      fc.property(fc.nat(base.length - 1), fc.nat(255), (index, byte) => {
        const bytes = Uint8Array.from(base);
        bytes[index] = byte;
        const result = decodeSign1(bytes);
        if (result.kind === 'ok') expect(encodeSign1(result.value)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a detached payload is nil', () => {
  const bytes = encodeSign1({
    protectedBytes: hexToBytes('a10132'),
    payload: null,
    signature: new Uint8Array(64),
  });
  expect(decoded(bytes).payload).toBeNull();
});
