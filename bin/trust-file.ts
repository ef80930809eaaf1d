/** The trust file: what a verifier trusts, as JSON that people can write and read. Keys are COSE_Keys in base64. */
import { readFileSync } from 'node:fs';
import type { GatewayConfig } from '../gateway/config-schema.ts';
import type { RegistryStore } from '../gateway/store/registry-store.ts';
import { bytesToBase64, hexToBytes } from '../src/bytes.ts';
import { encodeCoseKey, type PublicKey } from '../src/cose/key.ts';
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

/** Seconds since the Unix epoch. */
interface KeyTimes {
  readonly validFrom?: number;
  readonly retiredAt?: number;
  readonly revokedAt?: number;
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
    deviceKeys: urns.flatMap((urn) => keysOf(registry, urn)),
  };
}

/**
 * The key a device was enrolled with has been its own from the start, so what it signed before it came to this clinic is its word too.
 * A key that was added later counts from then on.
 */
function keysOf(registry: RegistryStore, urn: string): TrustFile['deviceKeys'] {
  const device = registry.device(urn);
  if (device === undefined) return [];
  return registry.keys(device.id).map(({ key, addedAt, retiredAt }) => ({
    device: urn,
    key: keyText(key),
    ...(addedAt > device.enrolled_at ? { validFrom: Math.floor(addedAt / 1000) } : {}),
    ...(retiredAt === undefined ? {} : { retiredAt: Math.floor(retiredAt / 1000) }),
    ...(device.status === 'revoked' ? { revokedAt: Math.floor(device.status_at / 1000) } : {}),
  }));
}

function allDevices(registry: RegistryStore): string[] {
  const urns: string[] = [];
  for (
    let page = registry.summaries(PAGE, '');
    page.length > 0;
    page = registry.summaries(PAGE, urns.at(-1) ?? '')
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
  const times: Record<string, number> = {};
  for (const name of ['validFrom', 'retiredAt', 'revokedAt'] as const) {
    const value = entry[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new UsageError(`${where}.${name}: must be seconds since 1970`);
    times[name] = value;
  }
  return times;
}
