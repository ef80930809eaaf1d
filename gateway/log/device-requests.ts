/** The form of a request to change the registry: JSON in, checked, or a sentence that says what is wrong with it. */
import { base64ToBytes, bytesToHex, hexToBytes } from '../../src/bytes.ts';
import { decodeCoseKey, type PublicKey } from '../../src/cose/key.ts';
import { isDeviceUrn } from '../../src/statement.ts';

export type DeviceRequest =
  | {
      readonly action: 'enrol';
      readonly device: string;
      readonly patient: string;
      readonly provider: string;
      readonly key: PublicKey;
    }
  | { readonly action: 'add-key'; readonly device: string; readonly key: PublicKey }
  /** Without `kid`: every key of the device. */
  | { readonly action: 'retire-key'; readonly device: string; readonly kid?: Uint8Array }
  | { readonly action: 'suspend' | 'resume' | 'revoke'; readonly device: string };

/** Pseudonyms of patients and ids of providers: short, printable, safe in a path and in a log line. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const KID = /^[0-9a-f]{16}$/;

/** The request behind stored JSON. Throws TypeError naming the field: requests come from our own command line. */
export function parseDeviceRequest(text: string): DeviceRequest {
  const raw = JSON.parse(text) as Record<string, unknown>;
  const device = field(raw, 'device', isDeviceUrn, 'a device URN (RFC 9039, urn:dev:...)');
  switch (raw['action']) {
    case 'enrol':
      return {
        action: 'enrol',
        device,
        patient: field(raw, 'patient', isName, 'a pseudonym of letters, digits, ._:- (at most 64)'),
        provider: field(raw, 'provider', isName, 'a provider id of letters, digits, ._:- (at most 64)'),
        key: keyField(raw),
      };
    case 'add-key':
      return { action: 'add-key', device, key: keyField(raw) };
    case 'retire-key': {
      if (raw['kid'] === undefined) return { action: 'retire-key', device };
      const kid = field(raw, 'kid', (text) => KID.test(text), 'a key id of 16 hex digits');
      return { action: 'retire-key', device, kid: hexToBytes(kid) };
    }
    case 'suspend':
    case 'resume':
    case 'revoke':
      return { action: raw['action'], device };
    default:
      throw new TypeError(`action: unknown (${String(raw['action'])})`);
  }
}

/** What a person is told a request is about. */
export function describeRequest(request: DeviceRequest): string {
  const kid =
    request.action === 'retire-key' && request.kid !== undefined ? ` ${bytesToHex(request.kid)}` : '';
  return `${request.action}${kid} ${request.device}`;
}

function isName(text: string): boolean {
  return NAME.test(text);
}

function field(
  raw: Record<string, unknown>,
  name: string,
  isValid: (text: string) => boolean,
  what: string,
): string {
  const value = raw[name];
  if (typeof value !== 'string' || !isValid(value)) throw new TypeError(`${name}: must be ${what}`);
  return value;
}

function keyField(raw: Record<string, unknown>): PublicKey {
  const bytes = typeof raw['key'] === 'string' ? base64ToBytes(raw['key']) : undefined;
  if (bytes === undefined) throw new TypeError('key: must be a COSE_Key in base64');
  const key = decodeCoseKey(bytes);
  if (key.kind === 'reject') throw new TypeError(`key: ${key.detail}`);
  return key.value;
}
