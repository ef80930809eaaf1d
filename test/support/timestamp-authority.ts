/** A timestamping authority made with openssl alone: a root, a certificate for timestamping under it, `openssl ts -reply` behind HTTP. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openssl } from './openssl.ts';

export const TSA_POLICY = '1.2.3.4.1';

const config = (folder: string): string => `
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = ${folder}/serial
signer_cert = ${folder}/tsa.pem
certs = ${folder}/ca.pem
signer_key = ${folder}/tsa.key
signer_digest = sha256
default_policy = ${TSA_POLICY}
digests = sha256
ordering = no
ess_cert_id_alg = sha256
`;

export class OpensslAuthority {
  /** The root certificate, PEM. */
  readonly caFile: string;
  readonly #folder: string;
  #server: Server | undefined;
  #requests = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.caFile = join(folder, 'ca.pem');
  }

  /** @param folder an empty one, for its files. */
  static async create(folder: string): Promise<OpensslAuthority> {
    const file = (name: string) => join(folder, name);
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.pem'),
      '-subj',
      '/CN=Test root',
    );
    await openssl(
      'req',
      '-new',
      ...newKey,
      '-keyout',
      file('tsa.key'),
      '-out',
      file('tsa.csr'),
      '-subj',
      '/CN=Test TSA',
    );
    writeFileSync(
      file('ext'),
      'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n',
    );
    const ca = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('ext')];
    await openssl('x509', '-req', '-in', file('tsa.csr'), ...ca, '-out', file('tsa.pem'));
    writeFileSync(file('tsa.cnf'), config(folder));
    writeFileSync(file('serial'), '01\n');
    return new OpensslAuthority(folder);
  }

  /** The DER answer to a DER request. */
  async reply(request: Uint8Array): Promise<Uint8Array> {
    const base = join(this.#folder, `request-${this.#requests++}`);
    writeFileSync(`${base}.tsq`, request);
    const files = ['-queryfile', `${base}.tsq`, '-out', `${base}.tsr`];
    await openssl('ts', '-reply', '-config', join(this.#folder, 'tsa.cnf'), ...files);
    return Uint8Array.from(readFileSync(`${base}.tsr`));
  }

  get requests(): number {
    return this.#requests;
  }

  /** Where it answers. */
  async listen(): Promise<string> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const isQuery = request.headers['content-type'] === 'application/timestamp-query';
        if (!isQuery) return response.writeHead(415).end();
        const reply = await this.reply(Buffer.concat(chunks));
        return response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply);
      });
    });
    const server = this.#server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`;
  }

  /** `openssl ts -verify` of a token over a file; throws unless it says OK. */
  async verify(dataFile: string, tokenFile: string): Promise<void> {
    const files = ['-data', dataFile, '-in', tokenFile, '-token_in', '-CAfile', this.caFile];
    await openssl('ts', '-verify', ...files);
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}
