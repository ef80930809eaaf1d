/**
 * What verifying a signature costs the gateway in processor time, as a multiple of what OpenSSL's own speed test takes for
 * one; and what the ways not taken would cost. secp256k1, which that test does not have, is held against P-256.
 */
import { createPublicKey, generateKeyPairSync, sign, verify, webcrypto } from 'node:crypto';
import process from 'node:process';
import { NOBLE_BACKEND } from '../gateway/crypto/noble-backend.ts';
import { OPENSSL_BACKEND } from '../gateway/crypto/openssl-backend.ts';
import type { SignatureBackend } from '../gateway/crypto/signature-backend.ts';
import { loadSodiumBackend } from '../gateway/crypto/sodium-backend.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { createSigner } from '../src/signature.ts';
import type { Bench } from './options.ts';
import { opensslVersion, type SpeedName, verifications } from './support/openssl.ts';
import { median } from './support/statistics.ts';

/** About what a spot reading's Sig_structure has. */
const MESSAGE = new Uint8Array(160).fill(0x5a);
const OPENSSL_SECONDS = 1;
/** Processor time spent on one way in one round, microseconds. */
const SLICE_US = 300_000;
const AT_ONCE = 32;

/** One way to verify a good signature, so many times. */
interface Way {
  readonly name: string;
  readonly against: SpeedName;
  readonly run: (times: number) => Promise<void> | void;
}

export const measureVerify: Bench = async ({ say, rounds }) => {
  say(`verify: ${await opensslVersion()}, node with OpenSSL ${process.versions.openssl}; ${rounds} rounds`);
  const ways = [...(await backendWays()), ...(await nodeWays())];
  const ratios = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const against of ['ed25519', 'ecdsap256'] as const) {
      // Taken right before, so that what else the machine does falls on both sides of the ratio.
      const rate = await verifications(against, OPENSSL_SECONDS);
      for (const way of ways.filter((one) => one.against === against))
        ratios.get(way)?.push((await cpuSeconds(way)) * rate);
    }
    say(`round ${round} of ${rounds}`);
  }
  return ways.map((way) => ({
    name: way.name,
    value: median(ratios.get(way) as number[]),
    unit: `of one openssl ${way.against}`,
  }));
};

/** Processor time of one verification, from as many as fill the slice. */
async function cpuSeconds({ run }: Way): Promise<number> {
  const spent = async (times: number): Promise<number> => {
    const before = process.cpuUsage();
    await run(times);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await spent(AT_ONCE); // compiled and cached
  const first = await spent(AT_ONCE);
  const times = Math.max(AT_ONCE, Math.round((SLICE_US / first) * AT_ONCE));
  return (await spent(times)) / times / 1e6;
}

/** What the gateway may use: a key made ready once, behind the acceptance rule. */
async function backendWays(): Promise<Way[]> {
  const sodium = await loadSodiumBackend();
  if (sodium instanceof Error) throw sodium;
  const backends: readonly [SignatureBackend, readonly Algorithm[]][] = [
    [sodium as SignatureBackend, ['Ed25519']],
    [OPENSSL_BACKEND, ['Ed25519', 'ESP256', 'ES256K']],
    [NOBLE_BACKEND, ['Ed25519', 'ESP256', 'ES256K']],
  ];
  const ways: Way[] = [];
  for (const [backend, algorithms] of backends) {
    for (const algorithm of algorithms) {
      const signer = createSigner(algorithm, new Uint8Array(32).fill(7));
      const signature = await signer.sign(MESSAGE);
      const key = backend.prepare(algorithm, signer.publicKey.bytes);
      ways.push({
        name: `${backend.name}-${algorithm}`,
        against: algorithm === 'Ed25519' ? 'ed25519' : 'ecdsap256',
        run: repeat(() => key.verify(MESSAGE, signature)),
      });
    }
  }
  return ways;
}

/** P-256 in node in other ways than the gateway's. */
async function nodeWays(): Promise<Way[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const dsaEncoding = 'ieee-p1363';
  const raw = sign('sha256', MESSAGE, { key: privateKey, dsaEncoding });
  const der = sign('sha256', MESSAGE, privateKey);
  const fresh = { key: spki, format: 'der', type: 'spki' } as const;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const subtleKey = await webcrypto.subtle.importKey('spki', Uint8Array.from(spki), algorithm, false, [
    'verify',
  ]);
  const subtle = () =>
    webcrypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, subtleKey, Uint8Array.from(raw), MESSAGE);
  const ways: Readonly<Record<string, Way['run']>> = {
    'p256-der': repeat(() => verify('sha256', MESSAGE, key, der)),
    'p256-raw': repeat(() => verify('sha256', MESSAGE, { key, dsaEncoding }, raw)),
    'p256-key-each-time': repeat(() => verify('sha256', MESSAGE, fresh, der)),
    'p256-webcrypto': async (times) => {
      for (let done = 0; done < times; done += AT_ONCE)
        (await Promise.all(Array.from({ length: Math.min(AT_ONCE, times - done) }, subtle))).every(demand);
    },
  };
  return Object.entries(ways).map(([name, run]) => ({ name, against: 'ecdsap256', run }));
}

function repeat(verifyOnce: () => boolean): Way['run'] {
  return (times) => {
    for (let i = 0; i < times; i++) demand(verifyOnce());
  };
}

function demand(isValid: boolean): true {
  if (!isValid) throw new Error('a good signature was refused');
  return true;
}
