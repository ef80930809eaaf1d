/** Which devices a client's certificate names. */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isDeviceUrn } from '../../src/statement.ts';

/**
 * The URNs of devices among the URIs of the certificate's subject alternative names; undefined without a certificate, `invalid` for
 * one that does not come from the configured authorities, is out of its time, or is not for clients.
 *
 * Names with characters that could be taken for the list's own come quoted from Node, and no URN has such characters, so that a
 * quoted name is never one of these.
 */
export function certifiedDevices(socket: Socket): readonly string[] | 'invalid' | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (!socket.authorized) return 'invalid';
  const names = (certificate.subjectAltName ?? '').split(', '); // attacker-controlled, within what the authority signs
  return names
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length))
    .filter(isDeviceUrn);
}
