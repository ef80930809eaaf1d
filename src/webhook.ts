/**
 * Standard Webhooks 1.0.0, asymmetric scheme `v1a`: Ed25519 over `{id}.{timestamp}.{body}`, the body as raw bytes.
 *
 * Written out here because the published JavaScript library has only the symmetric `v1` and turns the body into
 * text first, which changes a binary one.
 */
import { base64ToBytes, bytesToBase64, concatBytes, utf8ToBytes } from './bytes.ts';
import { type Signer, verifySignature } from './signature.ts';

export const WEBHOOK_ID_HEADER = 'webhook-id';
export const WEBHOOK_TIMESTAMP_HEADER = 'webhook-timestamp';
export const WEBHOOK_SIGNATURE_HEADER = 'webhook-signature';

/** How far a webhook's timestamp may lie from the receiver's clock, either way: the specification's own figure. */
export const WEBHOOK_TOLERANCE_SECONDS = 5 * 60;

/** Signatures looked at in one header. Two stand there during a key rotation; more only cost time. */
const MAX_SIGNATURES = 4;
const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
const PUBLIC_KEY_PREFIX = 'whpk_';

/** The three values a webhook is sent with, as their headers carry them. */
export interface WebhookHeaders {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
}

/** Why a webhook is not believed. */
export type WebhookFault = 'missing-header' | 'bad-signature' | 'stale';

/**
 * Headers for one attempt: the id stays the same over all attempts, the timestamp is the attempt's.
 * @param signers one Ed25519 signer, or the new and the old one while keys are being changed
 * @param timeSeconds the attempt's time, whole seconds since the Unix epoch
 * @throws TypeError when a signer is not Ed25519 or the id holds a dot
 */
export async function signWebhook(
  id: string,
  timeSeconds: number,
  body: Uint8Array,
  signers: readonly Signer[],
): Promise<WebhookHeaders> {
  if (id === '' || id.includes('.')) throw new TypeError('id must not be empty and must not hold a dot');
  const timestamp = String(timeSeconds);
  const message = signedContent(id, timestamp, body);
  const signatures: string[] = [];
  for (const signer of signers) {
    if (signer.publicKey.algorithm !== 'Ed25519') throw new TypeError('signers must be Ed25519 (v1a)');
    signatures.push(`v1a,${bytesToBase64(await signer.sign(message))}`);
  }
  return { id, timestamp, signature: signatures.join(' ') };
}

/**
 * Checks a webhook against the keys the receiver trusts: the time first, then any signature under any key.
 * Everything about the headers is attacker-controlled; the cost is bounded by four signatures times the keys.
 * @param publicKeys Ed25519 keys, 32 bytes each
 * @returns the fault, or `undefined` when the webhook is fresh and signed
 */
export function findWebhookFault(
  headers: Partial<WebhookHeaders>,
  body: Uint8Array,
  { publicKeys, nowSeconds }: { readonly publicKeys: readonly Uint8Array[]; readonly nowSeconds: number },
): WebhookFault | undefined {
  const { id, timestamp, signature } = headers;
  if (id === undefined || timestamp === undefined || signature === undefined) return 'missing-header';
  if (id === '' || id.includes('.') || !/^[0-9]{1,12}$/.test(timestamp)) return 'bad-signature';
  if (Math.abs(nowSeconds - Number(timestamp)) > WEBHOOK_TOLERANCE_SECONDS) return 'stale';
  const message = signedContent(id, timestamp, body);
  const signed = readSignatures(signature).some((candidate) =>
    publicKeys.some((key) => verifySignature('Ed25519', key, message, candidate)),
  );
  return signed ? undefined : 'bad-signature';
}

/** The public key as receivers are given it: `whpk_` and base64. */
export function formatWebhookKey(publicKey: Uint8Array): string {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError('publicKey must be 32 bytes');
  return PUBLIC_KEY_PREFIX + bytesToBase64(publicKey);
}

/** The 32 bytes behind `whpk_...`, or `undefined`. Whether they are a point is for `parsePublicKey` to say. */
export function parseWebhookKey(text: string): Uint8Array | undefined {
  if (!text.startsWith(PUBLIC_KEY_PREFIX)) return undefined;
  const bytes = base64ToBytes(text.slice(PUBLIC_KEY_PREFIX.length));
  return bytes?.length === PUBLIC_KEY_BYTES ? bytes : undefined;
}

function signedContent(id: string, timestamp: string, body: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(`${id}.${timestamp}.`), body);
}

function readSignatures(header: string): Uint8Array[] {
  return header
    .split(' ', MAX_SIGNATURES)
    .filter((part) => part.startsWith('v1a,'))
    .map((part) => base64ToBytes(part.slice('v1a,'.length)))
    .filter((bytes) => bytes?.length === SIGNATURE_BYTES)
    .map((bytes) => bytes as Uint8Array);
}
