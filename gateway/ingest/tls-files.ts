/** Certificate and key of the TLS port, read again when the files change. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../ports.ts';

/** The files of mqtt.tls. */
export interface TlsFileNames {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
}

/** How often the files are looked at. By name and time, not by events: those get lost when a link or a whole folder is swapped. */
const LOOK_EVERY_MS = 5_000;

/**
 * Only suites with forward secrecy and authenticated encryption, so that a recorded connection stays closed when the key is stolen.
 * The first three are those of TLS 1.3.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
].join(':');

export class TlsFiles {
  readonly #names: TlsFileNames;
  readonly #logger: Logger;
  readonly #watched: readonly string[];
  #options: SecureContextOptions;
  #expiresAt: number;
  #onChange: ((options: SecureContextOptions) => void) | undefined;
  readonly #look = (): void => this.#reload();

  /** Throws GatewayError key-unreadable. */
  constructor(names: TlsFileNames, logger: Logger) {
    this.#names = names;
    this.#logger = logger;
    this.#watched = [names.certFile, names.keyFile, names.clientCaFile].filter((name) => name !== undefined);
    const { options, expiresAt } = this.#read();
    this.#options = options;
    this.#expiresAt = expiresAt;
  }

  get options(): SecureContextOptions {
    return this.#options;
  }

  /** When the certificate ends, milliseconds since the Unix epoch. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  /** Calls `onChange` with every later state of the files that can be used. */
  watch(onChange: (options: SecureContextOptions) => void, everyMs = LOOK_EVERY_MS): void {
    this.#onChange = onChange;
    for (const file of this.#watched) watchFile(file, { interval: everyMs, persistent: false }, this.#look);
  }

  close(): void {
    for (const file of this.#watched) unwatchFile(file, this.#look);
  }

  /** Files that do not fit each other, such as the half of a renewal, change nothing: the next look finds the other half. */
  #reload(): void {
    try {
      const { options, expiresAt } = this.#read();
      if (isDeepStrictEqual(options, this.#options)) return; // touched, or read already with the file beside it
      this.#onChange?.(options);
      this.#options = options;
      this.#expiresAt = expiresAt;
      this.#logger.info(
        { expiresAt: new Date(expiresAt).toISOString() },
        'certificate of the MQTT port read again',
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error(
        { reason },
        'the changed certificate files cannot be used; the old ones stay in use',
      );
    }
  }

  #read(): { options: SecureContextOptions; expiresAt: number } {
    const { certFile, keyFile, clientCaFile } = this.#names;
    const cert = readPem(certFile, 'mqtt.tls.certFile');
    const key = readPem(keyFile, 'mqtt.tls.keyFile');
    const ca = clientCaFile === undefined ? undefined : readPem(clientCaFile, 'mqtt.tls.clientCaFile');
    const options: SecureContextOptions = {
      cert,
      key,
      ...(ca !== undefined && { ca }),
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      honorCipherOrder: true,
    };
    try {
      createSecureContext(options);
      return { options, expiresAt: Date.parse(new X509Certificate(cert).validTo) };
    } catch (cause) {
      throw new GatewayError(
        'key-unreadable',
        `mqtt.tls: ${certFile} and ${keyFile} must be the certificate and the unencrypted key that belong together, in PEM`,
        { cause, fatal: true },
      );
    }
  }
}

function readPem(file: string, setting: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new GatewayError('key-unreadable', `${setting}: cannot read ${file}`, { cause, fatal: true });
  }
}
