import { decodeRlp, encodeRlp, Transaction, type TransactionLike, Wallet } from 'ethers';
import { describe, expect, test } from 'vitest';
import { anvilAccount } from '../../contracts/anvil.ts';
import { GatewayError } from '../errors.ts';
import { pricing, signExactly, type TransactionSigner } from './signing.ts';

const KEY = new Wallet(anvilAccount(0).privateKey);
const OTHER_KEY = new Wallet(anvilAccount(1).privateKey);
const FEES = { maxFeePerGas: 9n, maxPriorityFeePerGas: 2n };
const EIP1559: TransactionLike<string> = {
  chainId: 31337n,
  to: OTHER_KEY.address,
  data: '0x1234',
  value: 0n,
  nonce: 5,
  gasLimit: 90_000n,
  ...pricing({ type: 'eip1559', ...FEES }),
};
const { maxFeePerGas: _, maxPriorityFeePerGas: __, ...rest } = EIP1559;
const LEGACY: TransactionLike<string> = {
  ...rest,
  ...pricing({ type: 'legacy', maxFeePerGas: 9n, maxPriorityFeePerGas: 9n }),
};

/** A signer that answers as it likes. */
function signer(answer: (asked: TransactionLike<string>) => Promise<string> | string): TransactionSigner {
  return { address: KEY.address, signTransaction: async (asked) => answer(asked) };
}

async function complaint(
  answer: Parameters<typeof signer>[0],
  asked: TransactionLike<string> = EIP1559,
): Promise<string> {
  const error = await signExactly(signer(answer), asked).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GatewayError);
  expect(error).toMatchObject({ code: 'signer-failed', fatal: false });
  const { message } = error as GatewayError;
  expect(message).toContain('nothing was sent');
  return /answered with (.*): nothing/.exec(message)?.[1] ?? message;
}

const signed = (change: TransactionLike<string>) => (asked: TransactionLike<string>) =>
  KEY.signTransaction({ ...asked, ...change });

describe('signExactly', () => {
  test.each([
    ['EIP-1559', EIP1559],
    ['legacy', LEGACY],
  ])('takes what was asked for: %s', async (_name, asked) => {
    const { hash, raw } = await signExactly(KEY, asked);
    const expected = Transaction.from(await KEY.signTransaction(asked));
    expect(`0x${Buffer.from(raw).toString('hex')}`).toBe(expected.serialized);
    expect(`0x${Buffer.from(hash).toString('hex')}`).toBe(expected.hash);
  });

  test('takes it in upper-case hex too', async () => {
    const loud = signer(async (asked) => `0x${(await KEY.signTransaction(asked)).slice(2).toUpperCase()}`);
    expect(await signExactly(loud, EIP1559)).toEqual(await signExactly(KEY, EIP1559));
  });

  test.each<[string, TransactionLike<string>]>([
    ['chainId', { chainId: 1n }],
    ['nonce', { nonce: 6 }],
    ['to', { to: KEY.address }],
    ['data', { data: '0x1235' }],
    ['value', { value: 1n }],
    ['gasLimit', { gasLimit: 90_001n }],
    ['maxFeePerGas', { maxFeePerGas: 10n }],
    ['maxPriorityFeePerGas', { maxPriorityFeePerGas: 1n }],
  ])('refuses another %s', async (field, change) => {
    expect(await complaint(signed(change))).toBe(`another ${field}`);
  });

  test('refuses another gas price, and another form', async () => {
    expect(await complaint(signed({ gasPrice: 8n }), LEGACY)).toBe('another gasPrice');
    expect(await complaint(() => KEY.signTransaction(LEGACY))).toContain('another type');
    expect(await complaint(() => KEY.signTransaction(EIP1559), LEGACY)).toContain('another type');
  });

  test('refuses an access list, which costs gas', async () => {
    const accessList = [{ address: KEY.address, storageKeys: [] }];
    expect(await complaint(signed({ accessList }))).toBe('additions to it');
  });

  test('refuses a legacy transaction that any chain would take', async () => {
    const { chainId: _, ...everywhere } = LEGACY;
    expect(await complaint(() => KEY.signTransaction(everywhere), LEGACY)).toBe('another chainId');
  });

  test('refuses the signature of another account', async () => {
    expect(await complaint((asked) => OTHER_KEY.signTransaction(asked))).toBe(
      'the signature of another account',
    );
  });

  test('refuses the transaction unsigned', async () => {
    expect(await complaint((asked) => Transaction.from(asked).unsignedSerialized)).not.toBe('');
  });

  test('refuses a second encoding of the same', async () => {
    const padded = async (asked: TransactionLike<string>) => {
      const raw = await KEY.signTransaction(asked);
      const fields = decodeRlp(`0x${raw.slice(4)}`) as string[];
      return `0x02${encodeRlp(fields.map((field, at) => (at === 1 ? '0x0005' : field))).slice(2)}`;
    };
    expect(await complaint(padded)).toBe('no transaction');
    const longer = async (asked: TransactionLike<string>) => `${await KEY.signTransaction(asked)}00`;
    expect(await complaint(longer)).toBe('no transaction');
    for (const nonsense of ['0x', '0x02', 'no', `0x02${'00'.repeat(40)}`, `0x${'f8'.repeat(99)}`])
      expect(await complaint(() => nonsense)).toBe('no transaction');
  });

  test('refuses one flipped bit in any byte', async () => {
    const raw = Buffer.from((await KEY.signTransaction(EIP1559)).slice(2), 'hex');
    for (const [at, byte] of raw.entries()) {
      const changed = Buffer.from(raw);
      changed[at] = byte ^ (1 << (at & 7));
      await complaint(() => `0x${changed.toString('hex')}`);
    }
  });
});
