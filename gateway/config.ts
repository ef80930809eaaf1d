/**
 * Reads the configuration once: file, then environment, then every problem reported together by key, then frozen.
 *
 * A setting outside a list of sections can be given as VITALSEAL_ and its key in capitals: mqtt.port is
 * VITALSEAL_MQTT_PORT, chain.rpcUrls is VITALSEAL_CHAIN_RPC_URLS, its items apart by spaces. Paths are relative to the configuration file.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import Value from 'typebox/value';
import { COSIGNATURE_TYPE } from '../src/cosignature.ts';
import { parseVerifierKey } from '../src/verifier-key.ts';
import { type GatewayConfig, GatewayConfigSchema } from './config-schema.ts';
import { GatewayError } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that hold a path. */
const PATHS: readonly (readonly [...sections: string[], name: string])[] = [
  ['dataDir'],
  ['keys', 'masterKeyFile'],
  ['keys', 'logKeyFile'],
  ['keys', 'webhookKeyFile'],
  ['chain', 'keystoreFile'],
  ['chain', 'passwordFile'],
  ['mqtt', 'tls', 'certFile'],
  ['mqtt', 'tls', 'keyFile'],
  ['mqtt', 'tls', 'clientCaFile'],
];

/** Settings that hold a path in the items of a list, where they are given. */
const LIST_PATHS: readonly (readonly [list: string, names: readonly string[]])[] = [
  ['brokers', ['passwordFile', 'caFile', 'certFile', 'keyFile']],
];

/** The configuration of a gateway. Throws GatewayError config-invalid that lists every problem by key. */
export function loadConfig(file: string, environment: Environment): GatewayConfig {
  const raw = readJson(file);
  const withEnvironment = applyEnvironment(raw, environment);
  const candidate = Value.Default(GatewayConfigSchema, withEnvironment);
  const problems = [...schemaProblems(candidate), ...crossProblems(candidate)];
  if (problems.length > 0) {
    const list = problems.map((problem) => `  ${problem}`).join('\n');
    throw new GatewayError('config-invalid', `${file} has ${problems.length} problem(s):\n${list}`);
  }
  return deepFreeze(resolvePaths(candidate as GatewayConfig, dirname(resolve(file))));
}

function readJson(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new GatewayError(
      'config-invalid',
      `cannot read the configuration ${file}; vitalseal init makes one`,
      { cause },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's message may quote what stands around the place, such as the credentials of a URL: cut that off.
    const complaint = (error as Error).message.replace(/,? *(?:\.\.\.)?".*$/s, '');
    throw new GatewayError('config-invalid', `${file} is not JSON: ${complaint}`);
  }
  if (!isRecord(value)) throw new GatewayError('config-invalid', `${file} must hold one JSON object`);
  return value;
}

/** The settings of the schema outside lists of sections, as key paths with their schemas. */
export function settingsOf(
  schema: TSchema,
  path: readonly string[] = [],
): { path: readonly string[]; schema: TSchema }[] {
  const properties = (schema as { properties?: Record<string, TSchema> }).properties;
  if (properties === undefined) return isListOfSections(schema) ? [] : [{ path, schema }];
  return Object.entries(properties).flatMap(([name, inner]) => settingsOf(inner, [...path, name]));
}

/** A list whose items have settings of their own, as opposed to a list of words. */
export function isListOfSections(schema: TSchema): boolean {
  return (schema as { items?: { properties?: unknown } }).items?.properties !== undefined;
}

/** mqtt.maxConnections -> VITALSEAL_MQTT_MAX_CONNECTIONS. */
export function environmentName(path: readonly string[]): string {
  return `VITALSEAL_${path.map((word) => word.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')}`;
}

function applyEnvironment(raw: Record<string, unknown>, environment: Environment): Record<string, unknown> {
  const result = structuredClone(raw);
  for (const { path, schema } of settingsOf(GatewayConfigSchema)) {
    const value = environment[environmentName(path)];
    if (value === undefined) continue;
    let place = result;
    for (const name of path.slice(0, -1)) {
      const inner = isRecord(place[name]) ? place[name] : {};
      place[name] = inner;
      place = inner;
    }
    place[path.at(-1) as string] = convert(value, schema);
  }
  return result;
}

/** A word of the environment as the schema's type; left as text when it is not one, for the check to report. */
function convert(value: string, schema: TSchema): unknown {
  const type = (schema as { type?: string }).type;
  if (type === 'array') return value.split(/\s+/).filter((word) => word !== '');
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  return value;
}

// The library stops at eight by default; every mistake is to be reported at once.
Settings.Set({ maxErrors: 1_000 });

function schemaProblems(candidate: unknown): string[] {
  const problems: string[] = [];
  for (const error of Value.Errors(GatewayConfigSchema, candidate)) {
    const where = error.instancePath.slice(1).replaceAll('/', '.');
    if (error.keyword === 'additionalProperties') continue; // reported once more, by name, as 'boolean'
    if (error.keyword === 'boolean') problems.push(`${where}: there is no such setting`);
    else if (error.keyword === 'required') {
      const missing = (error.params as { requiredProperties?: string[] }).requiredProperties ?? [];
      for (const name of missing) problems.push(`${where === '' ? name : `${where}.${name}`}: is required`);
    } else problems.push(`${where}: ${error.message}${hint(error.params)}${exampleAt(error)}`);
  }
  return problems;
}

function hint(params: object): string {
  const allowed = (params as { allowedValues?: unknown[] }).allowedValues;
  return allowed === undefined ? '' : ` (${allowed.join(', ')})`;
}

/** What would have matched, for whom a pattern tells nothing. `schemaPath`: #/properties/chain/properties/contract. */
function exampleAt({ keyword, schemaPath }: { keyword: string; schemaPath: string }): string {
  if (keyword !== 'pattern') return '';
  let place: unknown = GatewayConfigSchema;
  for (const name of schemaPath.split('/').slice(1)) place = isRecord(place) ? place[name] : undefined;
  const text = isRecord(place) ? place['example'] : undefined;
  return typeof text === 'string' ? `, such as ${text}` : '';
}

/** What the schema alone cannot say. Looks only at what has the right shape. */
function crossProblems(candidate: unknown): string[] {
  const problems: string[] = [];
  const { providers, access, brokers, chain, witnesses } = candidate as Record<string, unknown>;
  problems.push(...duplicates(providers, 'providers', 'id'), ...duplicates(access, 'access', 'tokenSha256'));
  problems.push(...accountProblems(chain));
  problems.push(...brokerProblems((candidate as { mqtt?: unknown }).mqtt, brokers));
  problems.push(...nodeProblems(chain));
  problems.push(...witnessProblems(witnesses));
  for (const [at, token] of Array.isArray(access) ? access.entries() : []) {
    const { role, subject } = isRecord(token) ? token : {};
    const wantsSubject = role === 'patient' || role === 'provider';
    if (wantsSubject && subject === undefined)
      problems.push(`access.${at}.subject: is required for the role ${role}`);
  }
  return [...problems, ...mqttProblems((candidate as { mqtt?: unknown }).mqtt)];
}

/** Nodes that could not be a quorum, or only seem to be several. */
function nodeProblems(chain: unknown): string[] {
  const { rpcUrls, quorum } = isRecord(chain) ? chain : {};
  if (!Array.isArray(rpcUrls) || rpcUrls.length === 0) return [];
  const problems: string[] = [];
  const hosts = new Map<string, number>();
  for (const [at, url] of rpcUrls.entries()) {
    if (typeof url !== 'string' || !URL.canParse(url)) {
      problems.push(`chain.rpcUrls.${at}: is not a URL, such as https://rpc.example.org`);
      continue;
    }
    const { host } = new URL(url);
    const first = hosts.get(host);
    if (first === undefined) hosts.set(host, at);
    else
      problems.push(
        `chain.rpcUrls.${at}: is on the same host and port as chain.rpcUrls.${first}, so it is no second opinion`,
      );
  }
  const least = Math.floor(rpcUrls.length / 2) + 1;
  if (!Number.isInteger(quorum)) return problems;
  if (Number(quorum) > rpcUrls.length)
    problems.push(`chain.quorum: is ${quorum}, and chain.rpcUrls has only ${rpcUrls.length}`);
  else if (Number(quorum) < least)
    problems.push(
      `chain.quorum: must be more than half of the ${rpcUrls.length} of chain.rpcUrls, at least ${least}`,
    );
  return problems;
}

/** A broker that nobody could reach, or that asks for what nobody could show. */
function mqttProblems(mqtt: unknown): string[] {
  if (!isRecord(mqtt)) return [];
  const problems: string[] = [];
  const tls = isRecord(mqtt['tls']) ? mqtt['tls'] : undefined;
  if (mqtt['plain'] === false && tls === undefined)
    problems.push('mqtt.plain: is false and there is no mqtt.tls; nothing would listen');
  const asksForOne = tls?.['clientCertificate'] === 'optional' || tls?.['clientCertificate'] === 'required';
  if (asksForOne && tls?.['clientCaFile'] === undefined)
    problems.push('mqtt.tls.clientCaFile: is required where clients are asked for a certificate');
  const policy = mqtt['authentication'];
  if ((policy === 'certificate' || policy === 'token-or-certificate') && !asksForOne) {
    problems.push(
      `mqtt.tls.clientCertificate: must be optional or required for the authentication ${policy}`,
    );
  }
  return problems;
}

/** One account that signs, and a price to wait for that can ever be paid. */
function accountProblems(chain: unknown): string[] {
  if (!isRecord(chain)) return [];
  const { keystoreFile, passwordFile, signer, preferredFeeGwei, maxFeeGwei } = chain;
  const problems: string[] = [];
  if (signer === undefined) {
    for (const [name, file] of Object.entries({ keystoreFile, passwordFile }))
      if (file === undefined) problems.push(`chain.${name}: is required without chain.signer`);
  } else if (keystoreFile !== undefined || passwordFile !== undefined) {
    problems.push('chain.signer: takes the place of keystoreFile and passwordFile; give one of the two');
  }
  if (typeof preferredFeeGwei === 'number' && typeof maxFeeGwei === 'number' && preferredFeeGwei > maxFeeGwei)
    problems.push('chain.preferredFeeGwei: must not be above chain.maxFeeGwei');
  return problems;
}

function brokerProblems(mqtt: unknown, brokers: unknown): string[] {
  const list = Array.isArray(brokers) ? brokers.filter(isRecord) : [];
  const problems = duplicates(brokers, 'brokers', 'name');
  if (isRecord(mqtt) && mqtt['enabled'] === false && list.length === 0)
    problems.push('mqtt.enabled: is false and there are no brokers, so nothing could come in');
  const sessions = new Set<string>();
  for (const [at, { url, group, certFile, keyFile, caFile }] of list.entries()) {
    const session = `${url} ${group}`;
    if (sessions.has(session)) problems.push(`brokers.${at}.group: is used twice at ${url}`);
    sessions.add(session);
    if ((certFile === undefined) !== (keyFile === undefined))
      problems.push(`brokers.${at}: certFile and keyFile go together`);
    if ([certFile, keyFile, caFile].some((file) => file !== undefined) && !/^mqtts:/.test(String(url)))
      problems.push(`brokers.${at}.url: must begin with mqtts:// for certificates to be used`);
  }
  return problems;
}

function witnessProblems(witnesses: unknown): string[] {
  const names = new Set<string>();
  return (Array.isArray(witnesses) ? witnesses.filter(isRecord) : []).flatMap(({ key: text }, at) => {
    const key = typeof text === 'string' ? parseVerifierKey(text, COSIGNATURE_TYPE) : undefined;
    if (key === undefined) return [];
    if (key.kind === 'reject') return [`witnesses.${at}.key: ${key.detail}`];
    if (names.has(key.value.name)) return [`witnesses.${at}.key: its name is used twice`];
    names.add(key.value.name);
    return [];
  });
}

function duplicates(list: unknown, key: string, field: string): string[] {
  if (!Array.isArray(list)) return [];
  const seen = new Set<unknown>();
  return list.flatMap((item, at) => {
    const value = isRecord(item) ? item[field] : undefined;
    if (value === undefined) return [];
    if (seen.has(value)) return [`${key}.${at}.${field}: is used twice`];
    seen.add(value);
    return [];
  });
}

function resolvePaths(config: GatewayConfig, base: string): GatewayConfig {
  const result = structuredClone(config) as unknown as Record<string, unknown>;
  for (const path of PATHS) {
    const name = path.at(-1) as string;
    const place = path.slice(0, -1).reduce<unknown>(sectionOf, result);
    if (isRecord(place) && place[name] !== undefined) place[name] = resolve(base, String(place[name]));
  }
  for (const [list, names] of LIST_PATHS) {
    for (const item of result[list] as Record<string, unknown>[]) {
      for (const name of names) if (item[name] !== undefined) item[name] = resolve(base, String(item[name]));
    }
  }
  return result as unknown as GatewayConfig;
}

function sectionOf(place: unknown, name: string): unknown {
  return isRecord(place) ? place[name] : undefined;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
