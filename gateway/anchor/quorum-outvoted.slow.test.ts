/** As many as a quorum of nodes are dishonest or ill: what they can do, what they cannot, and that it passes. */
import { describe, expect, test } from 'vitest';
import { honest } from '../../contracts/testing/node-proxy.ts';
import { LIES, TROUBLES } from './testing/lies.ts';
import { towns } from './testing/town.ts';

const startTown = towns();

/** What ends anchoring when a quorum says so: going on would do harm if it were true. */
const ENDS: Readonly<Record<string, string>> = {
  'another chain id': 'chain-mismatch',
  'a contract that holds more': 'log-forked',
};
/** What two of three can make this gateway say. Who verifies asks a node of their own. */
const FALSE_ANCHORS = new Set(['invented receipts']);
const FALSE_BEACONS = new Set([
  'other block hashes',
  'the newest block as final',
  'a final block that nobody has',
  'a height that nobody has, and silence about it',
]);

describe('two of three nodes lie alike', () => {
  test.each(Object.entries(LIES))('%s: what they cannot do, and that it passes', async (name, lie) => {
    const hand = lie();
    const town = await startTown([hand, hand, honest]);
    await town.goOn();
    const ends = ENDS[name];
    expect(town.life.fatals.map(({ code }) => code)).toEqual(ends === undefined ? [] : [ends]);
    const sealed = town.scene.log.checkpoints.length;
    expect(sealed).toBe(ends === undefined ? 3 : 1);
    if (FALSE_ANCHORS.has(name)) await expect(town.expectNothingFalse()).rejects.toThrow();
    else await town.expectNothingFalse();
    if (FALSE_BEACONS.has(name)) await expect(town.expectBeaconsTrue()).rejects.toThrow();
    else await town.expectBeaconsTrue();

    for (const proxy of town.proxies) proxy.hand = honest;
    if (ends !== undefined) town.live();
    await town.goOn();
    await town.expectFinal();
    if (!FALSE_ANCHORS.has(name)) await town.expectNothingFalse();
  });
});

describe('two of three nodes do not answer as they should', () => {
  test.each(Object.entries(TROUBLES))('%s: nothing false is said, and it passes', async (_name, trouble) => {
    const town = await startTown([honest, trouble(), trouble()]);
    await town.goOn();
    expect(town.life.fatals).toEqual([]);
    expect(town.scene.log.checkpoints).toHaveLength(3);
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();

    for (const proxy of town.proxies) proxy.hand = honest;
    town.scene.clock.advance(3_600_000);
    await town.goOn();
    await town.expectFinal();
    await town.expectNothingFalse();
  });
});
