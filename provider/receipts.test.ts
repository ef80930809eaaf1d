import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Anchor } from '../src/receipt/anchor.ts';
import { readInbox } from './readings.ts';
import { checkAnchors } from './receipts.ts';
import { FakeDevice, NOW, ReceiverBench } from './testing/fake-gateway.ts';

let bench: ReceiverBench;
beforeEach(() => {
  bench = new ReceiverBench();
});
afterEach(() => bench.close());

describe('checkAnchors', () => {
  it('asks until the chain knows, and then never again', async () => {
    const { gateway } = bench;
    const device = new FakeDevice('a');
    const entries = [await gateway.enrol(device), gateway.add(await device.state())];
    await bench.deliver(gateway.statements(entries));
    const receipts = await gateway.receipts(entries);
    await bench.deliver(receipts);
    const asked: Anchor[] = [];
    const chain = (answer: 'anchored' | 'contradicted' | 'unknown') => ({
      checkAnchor: async (anchor: Anchor) => {
        asked.push(anchor);
        return answer;
      },
    });
    expect(await checkAnchors(bench.inbox, chain('unknown'))).toBe(0);
    expect(readInbox(bench.inbox)).toMatchObject([{ proof: 'included' }]);
    expect(await checkAnchors(bench.inbox, chain('contradicted'))).toBe(1);
    expect(readInbox(bench.inbox)).toMatchObject([{ proof: 'contradicted' }]);
    expect(asked).toEqual([receipts.anchor, receipts.anchor]);
    // The gateway names another transaction for the same checkpoint: asked anew.
    const anchor = { ...receipts.anchor, blockTime: NOW / 1000 + 12 };
    await bench.deliver({ ...receipts, batch: 'again', anchor });
    expect(await checkAnchors(bench.inbox, chain('anchored'))).toBe(1);
    expect(readInbox(bench.inbox)).toMatchObject([{ proof: 'anchored' }]);
    await bench.deliver({ ...receipts, batch: 'and-again' });
    expect(await checkAnchors(bench.inbox, chain('contradicted'))).toBe(0);
    expect(asked.slice(2)).toEqual([anchor]);
  });
});
