import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../../src/bytes.ts';
import { acknowledgedBy, DeviceStore } from './device-store.ts';
import { Journal } from './journal.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = () =>
  DeviceStore.open(folder, () => ({
    urn: 'urn:dev:mac:0024befffe804ff1',
    algorithm: 'ES256K',
    secretKey: new Uint8Array(32).fill(3),
  }));
const file = (name: string) => join(folder, name);

async function withThree(): Promise<void> {
  const store = await open();
  for (const text of ['zero', 'one', 'two']) await store.append(utf8ToBytes(text));
  await store.acknowledge({ boot: 0, seq: 1 });
  await store.close();
}

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

describe('a device store', () => {
  it('finds everything again', async () => {
    await withThree();
    const store = await open();
    expect([store.boot, store.nextSeq, [...store.outbox()]]).toEqual([
      0,
      3,
      [
        { boot: 0, seq: 0 },
        { boot: 0, seq: 2 },
      ],
    ]); // prettier-ignore
    expect(text(await store.read({ boot: 0, seq: 2 }))).toBe('two');
    expect(await store.read({ boot: 0, seq: 3 })).toBeUndefined();
    expect(await store.read({ boot: 1, seq: 0 })).toBeUndefined();
    await store.close();
    expect((await stat(file('device.json'))).mode & 0o077).toBe(0);
  });

  it.each([1, 7, 8, 9, 11])('drops a last frame of which only %i bytes were written', async (bytes) => {
    await withThree();
    const { size } = await stat(file('statements-0.log'));
    await truncate(file('statements-0.log'), size - ('two'.length + 8) + Math.min(bytes, 10));
    const store = await open();
    expect([store.boot, store.nextSeq]).toEqual([0, 2]);
    await store.append(utf8ToBytes('two again'));
    await store.close();
    const again = await open();
    expect(text(await again.read({ boot: 0, seq: 2 }))).toBe('two again');
    await again.close();
  });

  it('begins the next boot when the journal is gone, and keeps counting boots', async () => {
    for (const boot of [1, 2]) {
      await withThree();
      await rm(file(`statements-${boot - 1}.log`));
      const store = await open();
      expect([store.boot, store.nextSeq]).toEqual([boot, 0]);
      await store.close();
    }
  });

  it('begins the next boot when a whole frame is damaged, and still sends what can be read', async () => {
    await withThree();
    const bytes = await readFile(file('statements-0.log'));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file('statements-0.log'), bytes);
    const store = await open();
    expect([store.boot, store.nextSeq, [...store.outbox()]]).toEqual([1, 0, [{ boot: 0, seq: 0 }]]);
    await store.append(utf8ToBytes('new'));
    await store.close();
    const again = await open();
    expect([...again.outbox()]).toEqual([
      { boot: 0, seq: 0 },
      { boot: 1, seq: 0 },
    ]); // prettier-ignore
    await again.close();
  });

  it('takes a monstrous length for damage, without reading it', async () => {
    await withThree();
    await appendFile(file('statements-0.log'), Buffer.from('ffffffff0000000000', 'hex'));
    const store = await open();
    expect(store.boot).toBe(1);
    await store.close();
  });

  it('reads an acknowledgement that was cut short as none', async () => {
    await withThree();
    await appendFile(file('acknowledged.log'), '0 2');
    expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 1 }]);
    const store = await open();
    expect([...store.outbox()]).toHaveLength(2);
    await store.acknowledge({ boot: 0, seq: 0 });
    await store.close();
    expect(await acknowledgedBy(folder)).toContainEqual({ boot: 0, seq: 0 });
  });

  it('refuses statements without an identity, and an identity that it cannot read', async () => {
    await withThree();
    const saved = await readFile(file('device.json'), 'utf8');
    await rm(file('device.json'));
    await expect(open()).rejects.toThrow('there are statements but no device.json');
    for (const broken of ['', '{}', saved.replace('urn:dev', 'urn:devil'), saved.replace('ES256K', 'RSA')]) {
      await writeFile(file('device.json'), broken);
      await expect(open()).rejects.toThrow('cannot be read as a device');
    }
    await writeFile(file('device.json'), saved);
    await (await open()).close();
  });

  it('takes over the lock of a dead process and respects that of a live one', async () => {
    await withThree();
    expect(await readdir(folder)).not.toContain('lock');
    await writeFile(file('lock'), `${process.ppid}\n`);
    await expect(open()).rejects.toThrow(`in use by process ${process.ppid}`);
    // Larger than any process number Linux gives out.
    await writeFile(file('lock'), '4194305\n');
    await (await open()).close();
  });
});

describe('a journal', () => {
  it('stays as it was when an append cannot be written', async () => {
    const journal = await Journal.open(file('journal'));
    await journal.append(utf8ToBytes('a'));
    await expect(journal.append(new Uint8Array(17 * 1024 * 1024))).rejects.toThrow(RangeError);
    await journal.append(utf8ToBytes('b'));
    await journal.close();
    const again = await Journal.open(file('journal'));
    expect([again.length, again.damaged, text(await again.read(1))]).toEqual([2, false, 'b']);
    await expect(again.read(2)).rejects.toThrow(RangeError);
    await again.close();
  });
});
