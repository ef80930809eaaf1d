/** A device in a process of its own, to be killed: node crash-child.ts FOLDER [URL]. Writes a line per recorded statement. */
import { decimalFromInteger } from '../../src/decimal.ts';
import { encodeSenml } from '../../src/senml.ts';
import { Device } from '../device.ts';

const [folder = '', url] = process.argv.slice(2);
const device = await Device.open({
  folder,
  fresh: () => ({
    urn: 'urn:dev:mac:0024befffe804ff1',
    algorithm: 'Ed25519',
    secretKey: new Uint8Array(32).fill(7),
  }),
});
if (url !== undefined) device.connect({ url });
for (;;) {
  // Different on each run, so that a number used twice shows as different bytes.
  const value = { kind: 'number', value: decimalFromInteger(process.pid * 1000 + device.nextSeq) } as const;
  const { boot, seq } = await device.record({
    subject: 'vitals',
    payload: encodeSenml([{ name: 'hr', value }]),
  });
  process.stdout.write(`${boot} ${seq}\n`);
}
