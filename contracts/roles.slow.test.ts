import type { Contract, HDNodeWallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLeaves, storeNodes } from '../src/merkle/testing/tree.ts';
import {
  answer,
  deployTestLog,
  honestAnchor,
  INTERFACE,
  mined,
  numberedHash,
  type TestLog,
} from './testing/reading-log.ts';

const NOBODY = '0x0000000000000000000000000000000000000000';
const read = storeNodes(makeLeaves(64));

describe('who may do what to a log', () => {
  let log: TestLog;
  let owner: Contract;
  let operator: Contract;
  let stranger: Contract;
  beforeAll(async () => {
    log = await deployTestLog();
    [owner, operator, stranger] = [log.as(log.owner), log.as(log.operator), log.as(log.stranger)];
  });
  afterAll(() => log?.close());

  const rolesOf = async (logId: string): Promise<Record<string, string>> => {
    const roles = await stranger.getFunction('logOf').staticCall(logId);
    const names: readonly (readonly [HDNodeWallet, string])[] = [
      [log.owner, 'owner'],
      [log.operator, 'operator'],
      [log.stranger, 'stranger'],
    ];
    const nameOf = (address: string): string => {
      return (
        names.find(([wallet]) => wallet.address === address)?.[1] ?? (address === NOBODY ? 'nobody' : address)
      );
    };
    return {
      owner: nameOf(roles.owner),
      operator: nameOf(roles.operator),
      proposedOwner: nameOf(roles.proposedOwner),
      proposedOperator: nameOf(roles.proposedOperator),
    };
  };

  it('lets the operator alone anchor: neither the owner nor a stranger', async () => {
    const logId = await log.open();
    const args = honestAnchor(read, 0, 5);
    const refusal = (who: HDNodeWallet): string =>
      `NotOperator(${logId}, ${who.address}, ${log.operator.address})`;
    expect(await answer(owner, 'anchor', logId, ...args)).toBe(refusal(log.owner));
    expect(await answer(stranger, 'anchor', logId, ...args)).toBe(refusal(log.stranger));
    expect(await answer(operator, 'anchor', logId, ...args)).toBe('done');
  });

  it('keys a log to who opens it: the same key opened first by a stranger takes nothing from the owner', async () => {
    const key = numberedHash(0xfeed);
    await mined(stranger, 'open', log.stranger.address, key);
    const expected = await owner.getFunction('logIdOf').staticCall(log.owner.address, key);
    const events = await mined(owner, 'open', log.operator.address, key);
    expect(events).toEqual([['Opened', expected, log.owner.address, log.operator.address, key]]);
    expect(await rolesOf(expected)).toMatchObject({ owner: 'owner', operator: 'operator' });
    expect(await answer(owner, 'open', log.operator.address, key)).toBe(`AlreadyOpen(${expected})`);
    expect(await answer(owner, 'open', NOBODY, numberedHash(0xf00d))).toBe('ZeroOperator()');
  });

  it('rotates the operator in two steps; until the second the first one keeps anchoring', async () => {
    const logId = await log.open();
    expect(await mined(owner, 'proposeOperator', logId, log.stranger.address)).toEqual([
      ['OperatorProposed', logId, log.stranger.address],
    ]);
    expect(await rolesOf(logId)).toMatchObject({ operator: 'operator', proposedOperator: 'stranger' });
    await mined(operator, 'anchor', logId, ...honestAnchor(read, 0, 5));
    expect(await answer(stranger, 'anchor', logId, ...honestAnchor(read, 5, 9))).toMatch(/^NotOperator\(/);
    expect(await mined(stranger, 'acceptOperator', logId)).toEqual([
      ['OperatorChanged', logId, log.operator.address, log.stranger.address],
    ]);
    expect(await rolesOf(logId)).toMatchObject({ operator: 'stranger', proposedOperator: 'nobody' });
    expect(await answer(operator, 'anchor', logId, ...honestAnchor(read, 5, 9))).toMatch(/^NotOperator\(/);
    await mined(stranger, 'anchor', logId, ...honestAnchor(read, 5, 9));
  });

  it('transfers the ownership in two steps, and an operator the old owner proposed lapses', async () => {
    const logId = await log.open();
    await mined(owner, 'proposeOperator', logId, log.owner.address);
    expect(await mined(owner, 'proposeOwner', logId, log.stranger.address)).toEqual([
      ['OwnerProposed', logId, log.stranger.address],
    ]);
    expect(await rolesOf(logId)).toMatchObject({ owner: 'owner', proposedOwner: 'stranger' });
    expect(await mined(stranger, 'acceptOwner', logId)).toEqual([
      ['OwnerChanged', logId, log.owner.address, log.stranger.address],
      ['OperatorProposed', logId, NOBODY],
    ]);
    expect(await rolesOf(logId)).toEqual({
      owner: 'stranger',
      operator: 'operator',
      proposedOwner: 'nobody',
      proposedOperator: 'nobody',
    });
    expect(await answer(owner, 'acceptOperator', logId)).toMatch(/^NotProposed\(/);
    expect(await answer(owner, 'proposeOwner', logId, log.owner.address)).toMatch(/^NotOwner\(/);
    expect(
      await answer(
        owner,
        'open',
        log.operator.address,
        (await stranger.getFunction('logOf')(logId)).logKeyHash,
      ),
    ).toBe(`AlreadyOpen(${logId})`);
  });

  it('lets the owner alone propose, the proposed alone accept, and a proposal be withdrawn or replaced', async () => {
    const logId = await log.open();
    for (const method of ['proposeOperator', 'proposeOwner']) {
      const by = (who: HDNodeWallet): string => `NotOwner(${logId}, ${who.address}, ${log.owner.address})`;
      expect(await answer(operator, method, logId, log.operator.address)).toBe(by(log.operator));
      expect(await answer(stranger, method, logId, log.stranger.address)).toBe(by(log.stranger));
    }
    for (const [propose, accept] of [
      ['proposeOperator', 'acceptOperator'],
      ['proposeOwner', 'acceptOwner'],
    ] as const) {
      expect(await answer(stranger, accept, logId)).toBe(
        `NotProposed(${logId}, ${log.stranger.address}, ${NOBODY})`,
      );
      await mined(owner, propose, logId, log.stranger.address);
      expect(await answer(operator, accept, logId)).toMatch(/^NotProposed\(/);
      expect(await answer(stranger, accept, logId)).toBe('done');
      await mined(owner, propose, logId, log.operator.address);
      expect(await answer(stranger, accept, logId)).toMatch(/^NotProposed\(/);
      await mined(owner, propose, logId, NOBODY);
      expect(await answer(operator, accept, logId)).toMatch(/^NotProposed\(/);
    }
  });

  it('knows nothing of a log that nobody opened', async () => {
    const logId = numberedHash(0xdead);
    const unknown = `UnknownLog(${logId})`;
    expect(await answer(operator, 'anchor', logId, ...honestAnchor(read, 0, 5))).toBe(unknown);
    expect(await answer(owner, 'proposeOperator', logId, log.owner.address)).toBe(unknown);
    expect(await answer(owner, 'proposeOwner', logId, log.owner.address)).toBe(unknown);
    for (const method of ['acceptOperator', 'acceptOwner', 'head', 'logOf']) {
      expect(await answer(owner, method, logId), method).toBe(unknown);
    }
    expect(await answer(owner, 'rootAt', logId, 5)).toBe(`UnknownSize(${logId}, 5)`);
    expect(await answer(owner, 'verifyInclusion', logId, 5, 0, numberedHash(1), [])).toBe(
      `UnknownSize(${logId}, 5)`,
    );
  });

  it('takes no ether, with or without calldata', async () => {
    const data = INTERFACE.encodeFunctionData('open', [log.operator.address, numberedHash(0xe7)]);
    for (const call of [{ value: 1n }, { value: 1n, data }, { data: '0x' }, { data: '0x12345678' }]) {
      await expect(
        log.provider.call({ from: log.owner.address, to: log.address, ...call }),
      ).rejects.toThrow();
    }
    await expect(log.provider.call({ from: log.owner.address, to: log.address, data })).resolves.toBeTypeOf(
      'string',
    );
  });
});
