/** The trust file: what a verifier trusts, as JSON that people can write and read. Keys are COSE_Keys in base64. */
import { readFileSync } from 'node:fs';
import type { GatewayConfig } from '../gateway/config-schema.ts';
import type { DeviceKeyRow } from '../gateway/store/device-key-store.ts';
import type { DeviceRow, RegistryStore } from '../gateway/store/registry-store.ts';
import { bytesToBase64, hexToBytes } from '../src/bytes.ts';
import { encodeCoseKey, type PublicKey } from '../src/cose/key.ts';
import { isExposed } from '../src/log-statement.ts';
import type { Trust, TrustedDeviceKey, TrustedLog } from '../src/receipt/trust.ts';
import { UsageError } from './cli.ts';
import { parseText } from './key-files.ts';

const PAGE = 1000;

interface TrustFile {
  readonly logs: readonly {
    readonly origin: string;
    readonly key: string;
    readonly contract?: ContractText;
  }[];
  readonly deviceKeys: readonly ({ readonly device: string; readonly key: string } & KeyTimes)[];
}

interface ContractText {
  readonly chainId: number;
  readonly address: string;
  readonly logId: string;
}

/** Times in seconds since the Unix epoch; sizes are of the log of that origin. */
interface KeyTimes {
  readonly validFrom?: number;
  readonly retiredAt?: number;
  readonly revokedAt?: number;
  readonly log?: string;
  readonly retiredAtSize?: number;
  readonly revokedAtSize?: number;
}

/** The trust file as the gateway's operator would write it. */
export function describeTrust(
  config: GatewayConfig,
  logKey: PublicKey,
  registry: RegistryStore,
  only?: string,
): TrustFile {
  const { chain } = config;
  const contract = chain && { chainId: chain.chainId, address: chain.contract, logId: chain.logId };
  const urns = only === undefined ? allDevices(registry) : [only];
  return {
    logs: [{ origin: config.origin, key: keyText(logKey), ...(contract === undefined ? {} : { contract }) }],
    deviceKeys: urns.flatMap((urn) => keysOf(registry, urn, config.origin)),
  };
}

/**
 * The key a device was enrolled with has been its own from the start, so what it signed before it came to this clinic is its word too.
 * A key that was added later counts from then on.
 */
function keysOf(registry: RegistryStore, urn: string, origin: string): TrustFile['deviceKeys'] {
  const device = registry.device(urn);
  if (device === undefined) return [];
  return registry.keys.of(device.id).map((row) => ({
    device: urn,
    key: keyText(row.key),
    ...(row.addedAt > device.enrolled_at ? { validFrom: Math.floor(row.addedAt / 1000) } : {}),
    ...endTimes(endsOf(device, row), origin),
  }));
}

interface End {
  readonly isExposed: boolean;
  /** Seconds. */
  readonly from: number;
  readonly size: number;
}

/** What ended the trust in a key: its own retirement, the revocation of its device, or both. A planned end has ended nothing yet. */
function endsOf(device: DeviceRow, { retiredAt, endedFrom, endReason, endedSize }: DeviceKeyRow): End[] {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const ends: End[] = [];
  if (retiredAt !== undefined)
    ends.push({
      isExposed: isExposed('retire-key', endReason),
      from: seconds(endedFrom ?? retiredAt),
      size: endedSize ?? 0,
    });
  if (device.status === 'revoked')
    ends.push({
      isExposed: isExposed('revoke', device.end_reason ?? undefined),
      from: seconds(device.ended_from ?? device.status_at),
      size: device.ended_size ?? 0,
    });
  return ends;
}

function endTimes(ends: readonly End[], origin: string): KeyTimes {
  const [orderly, exposed] = [ends.filter((end) => !end.isExposed), ends.filter((end) => end.isExposed)];
  const least = (of: readonly End[], field: 'from' | 'size') => Math.min(...of.map((end) => end[field]));
  return {
    ...(orderly.length > 0 && { retiredAt: least(orderly, 'from'), retiredAtSize: least(orderly, 'size') }),
    ...(exposed.length > 0 && { revokedAt: least(exposed, 'from'), revokedAtSize: least(exposed, 'size') }),
    ...(ends.length > 0 && { log: origin }),
  };
}

function allDevices(registry: RegistryStore): string[] {
  const urns: string[] = [];
  for (
    let page = registry.lists.summaries(PAGE, '');
    page.length > 0;
    page = registry.lists.summaries(PAGE, urns.at(-1) ?? '')
  ) {
    urns.push(...page.map(({ device }) => device));
  }
  return urns;
}

function keyText(key: PublicKey): string {
  return bytesToBase64(encodeCoseKey(key));
}

/** Reads a trust file. Throws UsageError that names the entry and field which is wrong. */
export function readTrustFile(file: string): Trust {
  let raw: Partial<TrustFile>;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8')) as Partial<TrustFile>;
  } catch (error) {
    throw new UsageError(`cannot read the trust file ${file}: ${(error as Error).message}`);
  }
  if (!Array.isArray(raw.logs) || !Array.isArray(raw.deviceKeys))
    throw new UsageError(`${file}: needs the lists logs and deviceKeys`);
  return {
    logs: raw.logs.map((log, at): TrustedLog => {
      const where = `${file}: logs.${at}`;
      const contract =
        log.contract === undefined ? {} : { contract: readContract(log.contract, `${where}.contract`) };
      return {
        origin: readText(log.origin, `${where}.origin`),
        key: readKey(log.key, `${where}.key`),
        ...contract,
      };
    }),
    deviceKeys: raw.deviceKeys.map((entry, at): TrustedDeviceKey => {
      const where = `${file}: deviceKeys.${at}`;
      return {
        device: readText(entry.device, `${where}.device`),
        key: readKey(entry.key, `${where}.key`),
        ...readTimes(entry, where),
      };
    }),
  };
}

function readText(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw new UsageError(`${where}: must be text`);
  return value;
}

function readKey(value: unknown, where: string): PublicKey {
  const key = parseText(readText(value, where));
  if (key === undefined || key.kind === 'reject')
    throw new UsageError(`${where}: ${key?.detail ?? 'must be a COSE_Key in base64'}`);
  return key.value;
}

function readContract(
  { chainId, address, logId }: ContractText,
  where: string,
): NonNullable<TrustedLog['contract']> {
  if (!Number.isSafeInteger(chainId) || chainId < 0)
    throw new UsageError(`${where}.chainId: must be a whole number`);
  return {
    chainId: BigInt(chainId),
    address: readHex(address, 20, `${where}.address`),
    logId: readHex(logId, 32, `${where}.logId`),
  };
}

function readHex(value: unknown, bytes: number, where: string): Uint8Array {
  const body = typeof value === 'string' ? value.replace(/^0x/, '') : '';
  if (!new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`).test(body))
    throw new UsageError(`${where}: must be ${bytes} bytes in hex`);
  return hexToBytes(body.toLowerCase());
}

function readTimes(entry: KeyTimes, where: string): KeyTimes {
  const times: Record<string, number | string> = {};
  for (const name of ['validFrom', 'retiredAt', 'revokedAt'] as const) {
    const value = entry[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new UsageError(`${where}.${name}: must be seconds since 1970`);
    times[name] = value;
  }
  if (entry.log !== undefined) times['log'] = readText(entry.log, `${where}.log`);
  for (const name of ['retiredAtSize', 'revokedAtSize'] as const) {
    const value = entry[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 0)
      throw new UsageError(`${where}.${name}: must be a number of entries`);
    times[name] = value;
  }
  return times;
}
