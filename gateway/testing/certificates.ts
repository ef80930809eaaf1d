/** Certificates by the openssl command line, which shares no code with this project. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Both in PEM. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** An authority in a folder, and what it signs. */
export class CertificateAuthority {
  readonly certFile: string;
  readonly #folder: string;
  readonly #keyFile: string;

  constructor(folder: string, name = 'authority') {
    this.#folder = folder;
    this.certFile = join(folder, `${name}.pem`);
    this.#keyFile = join(folder, `${name}.key`);
    openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      this.#keyFile,
      '-out',
      this.certFile,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  }

  get cert(): Buffer {
    return readFileSync(this.certFile);
  }

  /** @param names subject alternative names: "IP:127.0.0.1", "URI:urn:dev:...". A comma in one belongs to it. */
  issue(
    name: string,
    names: readonly string[],
    { usage = 'clientAuth,serverAuth', days = 1 } = {},
  ): CertificateFiles {
    const [certFile, keyFile] = [join(this.#folder, `${name}.pem`), join(this.#folder, `${name}.key`)];
    const [request, extensions] = [join(this.#folder, `${name}.csr`), join(this.#folder, `${name}.ext`)];
    const section = names.map((text, at) => text.replace(/^(\w+):/, `$1.${at} = `)).join('\n');
    writeFileSync(extensions, `subjectAltName=@names\nextendedKeyUsage=${usage}\n[names]\n${section}\n`);
    openssl('req', '-new', ...NEW_KEY, '-keyout', keyFile, '-out', request, '-subj', `/CN=${name}`);
    const authority = ['-CA', this.certFile, '-CAkey', this.#keyFile, '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-out',
      certFile,
      '-days',
      `${days}`,
      '-extfile',
      extensions,
    );
    return { certFile, keyFile };
  }
}

/** Of the machine. */
const OPENSSL = 'openssl';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync(OPENSSL, args, { stdio: 'pipe' });
}
