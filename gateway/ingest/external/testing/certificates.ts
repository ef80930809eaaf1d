/** Certificates by real openssl, for a broker that wants them. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { openssl } from '../../../../test/support/openssl.ts';

/** ca and other: two authorities; broker and gateway: certificates by the first. */
export async function makeCertificates(folder: string): Promise<void> {
  const at = (name: string) => resolve(folder, name);
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  for (const name of ['ca', 'other', 'broker', 'gateway'])
    await openssl(
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-out',
      at(`${name}.key`),
    );
  for (const name of ['ca', 'other'])
    await openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      at(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-out',
      at(`${name}.crt`),
    );
  for (const name of ['broker', 'gateway']) {
    await openssl(
      'req',
      '-new',
      '-key',
      at(`${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-out',
      at(`${name}.csr`),
    );
    const signed = [
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at('names'),
    ];
    await openssl('x509', '-req', '-in', at(`${name}.csr`), ...signed, '-out', at(`${name}.crt`));
  }
}
