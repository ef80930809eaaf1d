/** The attacker, as a process of its own: `program.ts ATTACK PORT DEVICE,DEVICE`. Tells what it did when asked over IPC, and ends with its parent. */
import process from 'node:process';
import { ATTACKS } from './attacks.ts';

const [name = '', port = '', devices = ''] = process.argv.slice(2);
const attack = ATTACKS[name];
if (attack === undefined) throw new Error(`there is no attack ${name}`);
const counts: Record<string, number> = {};
process.on('message', () => process.send?.(counts));
process.on('disconnect', () => process.exit());
attack({ port: Number(port), devices: devices.split(',').map(Number) }, (what) => {
  counts[what] = (counts[what] ?? 0) + 1;
});
