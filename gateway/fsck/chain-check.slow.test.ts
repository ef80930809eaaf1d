import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../config-schema.ts';
import type { Db } from '../store/database.ts';
import { EthersLogChain } from './chain-ethers.ts';
import { checkStore } from './check-store.ts';
import type { FindingId } from './findings.ts';
import type { FsckReport } from './report.ts';
import { AnchoredScene, type ChainConfig } from './testing/anchored.ts';
import { change, flip } from './testing/forge.ts';
import { Scene, TestFolder } from './testing/scene.ts';

let folder: TestFolder;
let anchored: AnchoredScene;
let config: GatewayConfig;

beforeAll(async () => {
  folder = new TestFolder();
  anchored = await AnchoredScene.start();
  config = await anchored.write(folder);
});
afterAll(async () => {
  await anchored.stop();
  folder.remove();
});

const onChain = (over: Partial<ChainConfig>): GatewayConfig => ({
  ...config,
  chain: { ...anchored.chain, ...over },
});
const check = (of: GatewayConfig): Promise<FsckReport> => checkStore({ config: of, fast: true });
const found = ({ findings }: FsckReport): string[] => findings.map(({ id, detail }) => `${id}: ${detail}`);

describe('a store and a chain that agree', () => {
  test('every anchor is found again where the store says it is', async () => {
    const report = await checkStore({ config });
    expect(found(report)).toEqual([]);
    expect(report.chain).toBe('checked');
    expect(report.checked).toMatchObject({ anchors: 3, anchorsOnChain: 3, checkpoints: 3 });
  });

  test('the chain is left alone when asked to', async () => {
    const report = await checkStore({ config, fast: true, chain: false });
    expect(found(report)).toEqual([]);
    expect(report).toMatchObject({ chain: 'skipped', checked: { anchorsOnChain: 0 } });
  });

  test('a gateway that anchors on while it is checked is no fork', async () => {
    const copy = await folder.damaged(config, () => undefined);
    const snapshot = await anchored.rpc('evm_snapshot');
    const scene = new Scene(copy);
    /** Anchors the moment before the chain is asked, so that a view of the store taken earlier would lag behind. */
    class BusyChain extends EthersLogChain {
      override async chainId(): Promise<bigint> {
        await anchored.anchor(scene);
        return super.chainId();
      }
    }
    let meanwhile: Promise<void> | undefined;
    const report = await checkStore({
      config: copy,
      fast: true,
      chain: new BusyChain({ ...anchored.chain, rpcUrl: anchored.node.url, timeoutMs: 5_000 }),
      onProgress: ({ phase }) => {
        if (phase === 'entries') meanwhile ??= anchored.anchor(scene);
      },
    });
    await meanwhile;
    expect(found(report)).toEqual([]);
    expect(found(await check(copy))).toEqual([]);
    await scene.store.close();
    await anchored.rpc('evm_revert', snapshot);
  });
});

describe('a chain that is not the one', () => {
  test.each<[string, Partial<ChainConfig>, string]>([
    ['another chain', { chainId: 1 }, 'chain-mismatch: the node is on chain 31337, configured is chain 1'],
    ['no contract', { contract: `0x${'ab'.repeat(20)}` }, 'contract-missing: there is no contract at 0xabab'],
    ['a log nobody opened', { logId: `0x${'cd'.repeat(32)}` }, 'chain-log-unknown: the contract'],
  ])('%s', async (_what, over, expected) => {
    const report = await check(onChain(over));
    expect(found(report)).toEqual([expect.stringContaining(expected)]);
    expect(report.chain).toBe('checked');
  });

  test('another contract', async () => {
    const address = `0x${'ee'.repeat(20)}`;
    await anchored.rpc('anvil_setCode', address, '0x6000');
    expect(found(await check(onChain({ contract: address })))).toEqual([
      expect.stringContaining('contract-missing: there is another contract than ReadingLog'),
    ]);
  });

  test('a log opened for another key', async () => {
    expect(found(await check(onChain({ logId: anchored.foreignLogId })))).toEqual([
      expect.stringContaining('chain-log-key-mismatch'),
    ]);
  });

  test('no node: what the store says of itself is checked, and it is said that no more was', async () => {
    const report = await check(onChain({ rpcUrls: ['http://user:secret@127.0.0.1:9/?key=secret'] }));
    expect(found(report)).toEqual([]);
    expect(report.chain).toBe('unreachable');
    expect(report.chainDetail).toMatch(
      /^the node at http:\/\/127\.0\.0\.1:9 could not be asked for eth_chainId/,
    );
    expect(JSON.stringify(report)).not.toContain('secret');
    expect(report.checked.entries).toBeGreaterThan(90);
  });
});

interface Damage {
  readonly what: string;
  readonly damage: (db: Db) => unknown;
  readonly expected: readonly (readonly [FindingId, string])[];
}

describe('a store that says other than the chain', () => {
  test.each<Damage>([
    {
      what: 'entries cut off that were anchored',
      damage: (db) =>
        db.exec(
          'DELETE FROM entries WHERE idx >= 70; DELETE FROM checkpoints WHERE size > 70; DELETE FROM anchors WHERE size > 70',
        ),
      expected: [
        ['sequence-wrong', 'were logged, the log holds'],
        ['chain-fork', 'the contract holds 94 entries, this log has only 70'],
      ],
    },
    {
      what: 'another history under the anchored size',
      damage: (db) => {
        flip(db, 'entries', 'entry', 'idx = 80');
        db.exec('DELETE FROM checkpoints WHERE size = 94; DELETE FROM anchors WHERE size = 94');
      },
      expected: [
        ['entry-hash-wrong', 'entry 80'],
        ['chain-fork', 'at size 94 the contract holds the root'],
      ],
    },
    {
      what: 'the checkpoint of the head deleted',
      damage: (db) => db.exec('DELETE FROM checkpoints WHERE size = 94; DELETE FROM anchors WHERE size = 94'),
      expected: [['chain-head-without-checkpoint', 'head of size 94 is no stored checkpoint']],
    },
    {
      what: 'the block hash of a final anchor',
      damage: (db) => flip(db, 'anchors', 'block_hash', 'size = 32'),
      expected: [
        ['anchor-malformed', 'the header in the proof has another hash'],
        ['anchor-block-not-canonical', 'the final anchor 0x'],
      ],
    },
    {
      what: 'a block that is not there yet',
      damage: (db) => change(db, "UPDATE anchors SET block_number = '100000' WHERE size = 32"),
      expected: [
        ['anchor-malformed', 'the anchor’s block has another number'],
        ['anchor-block-not-canonical', 'is recorded in block 100000, which the node does not have'],
      ],
    },
    {
      what: 'another transaction',
      damage: (db) => flip(db, 'anchors', 'tx_hash', 'size = 32'),
      expected: [['anchor-event-missing', 'is not what its transaction did in block']],
    },
    {
      what: 'a checkpoint called anchored that never was',
      damage: (db) => {
        db.exec(`CREATE TEMP TABLE t AS SELECT * FROM anchors WHERE size = 94;
          UPDATE t SET size = 93, tx_hash = zeroblob(32), raw = NULL; INSERT INTO anchors SELECT * FROM t;
          INSERT INTO checkpoints SELECT 93, root, replace(note, '94', '93'), 1 FROM checkpoints WHERE size = 94`);
      },
      expected: [
        ['checkpoint-root-wrong', 'checkpoint 93'],
        ['anchor-malformed', 'anchored another size of the log'],
        ['anchor-not-on-chain', 'of size 93 is not in the contract'],
        ['anchor-event-missing', 'of size 93 is not what its transaction did'],
      ],
    },
  ])('$what', async ({ damage, expected }) => {
    const report = await check(await folder.damaged(config, damage));
    const wanted = expected.map(([id, words]) => expect.stringMatching(new RegExp(`^${id}: .*${words}`)));
    expect(found(report)).toEqual(wanted);
  });
});

describe('a chain that goes other ways', () => {
  test('a reorganisation takes the newest anchor away until the gateway sends it again', async () => {
    const copy = await folder.damaged(config, () => undefined);
    const scene = new Scene(copy);
    const snapshot = await anchored.rpc('evm_snapshot');
    await anchored.anchor(scene);
    expect(found(await check(copy))).toEqual([]);
    await anchored.rpc('evm_revert', snapshot);
    await anchored.rpc('anvil_mine', '0x3');
    const size = await scene.store.log.reader.size();
    expect(found(await check(copy))).toEqual([
      expect.stringMatching(
        new RegExp(`^anchor-not-on-chain: the anchored anchor .* of size ${size} is not in`),
      ),
      expect.stringMatching(/^anchor-block-not-canonical: .* that is not the chain's$/),
    ]);
    await anchored.follow(scene);
    await anchored.follow(scene);
    expect(found(await check(copy))).toEqual([]);
    await scene.store.close();
  });

  test('a second gateway under the same key has anchored another history', async () => {
    const scene = new Scene(folder.config({ chain: { ...anchored.chain, logId: anchored.foreignLogId } }));
    await scene.store.log.sealer.seal(undefined);
    await scene.store.close();
    await anchored.anchorDirectly(anchored.foreignLogId, 1, new Uint8Array(32).fill(8));
    expect(found(await check(scene.config))).toEqual([
      expect.stringContaining('chain-log-key-mismatch'),
      expect.stringContaining('chain-fork: at size 1 the contract holds the root 0808'),
    ]);
  });
});
