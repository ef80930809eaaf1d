/** A timestamp token for tests: unsigned. */
import { utf8ToBytes } from '../../bytes.ts';
import { TAG, writeDer, writeInteger, writeOid } from '../../timestamp/der.ts';

/** As little of a token as is looked at, put together by hand. */
export function makeToken(digest: Uint8Array, time = '20261121093000Z'): Uint8Array {
  const sequence = (...items: Uint8Array[]) => writeDer(TAG.sequence, ...items);
  const imprint = sequence(sequence(writeOid('2.16.840.1.101.3.4.2.1')), writeDer(TAG.octetString, digest));
  const one = writeInteger(Uint8Array.of(1));
  const info = sequence(
    one,
    writeOid('1.2.3'),
    imprint,
    one,
    writeDer(TAG.generalizedTime, utf8ToBytes(time)),
  );
  const octets = writeDer(TAG.context0, writeDer(TAG.octetString, info));
  const signedData = sequence(one, writeDer(0x31), sequence(writeOid('1.2.840.113549.1.9.16.1.4'), octets));
  return sequence(writeOid('1.2.840.113549.1.7.2'), writeDer(TAG.context0, signedData));
}
