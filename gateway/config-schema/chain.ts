/** The chain that anchors the log. */
import Type from 'typebox';
import { ADDRESS, closed, count, HEX_32, seconds, text } from './setting.ts';

export const chain = Type.Object(
  {
    rpcUrl: Type.String({
      pattern: '^https?://',
      example: 'https://rpc.example.org',
      description: 'JSON-RPC endpoint of the chain.',
      attack: 'A lying endpoint can delay anchors and show false finality to this gateway, not to verifiers.',
    }),
    chainId: count({
      description: 'Chain id the endpoint must report.',
      attack: 'Anchors go to a chain that nobody checks.',
    }),
    contract: Type.String({
      pattern: ADDRESS,
      example: `0x${'5f'.repeat(20)}`,
      description: 'Address of the ReadingLog contract.',
      attack: 'Anchors go where verifiers do not look.',
    }),
    logId: Type.String({
      pattern: HEX_32,
      example: `0x${'5f'.repeat(32)}`,
      description: 'Id of this log in the contract.',
    }),
    keystoreFile: text({ description: 'Encrypted keystore (JSON) of the operator account.' }),
    passwordFile: text({
      description: 'File with the password of the keystore.',
      attack:
        'With both files anchors can be made in this log’s name; the contract still refuses any that rewrite history.',
    }),
    finality: Type.Enum(['auto', 'finalized', 'confirmations'], {
      default: 'auto',
      description:
        'How a block is known to be final: by the chain’s own `finalized` tag, by confirmations, or by the tag where the node knows it.',
      attack:
        'By confirmations on a chain that reorganises deeper: anchors are called final that can still be undone.',
    }),
    confirmations: count({
      default: 12,
      maximum: 10_000,
      description: 'Blocks after which an anchor is final on a chain without a `finalized` tag.',
      attack: 'A low value calls anchors final that a reorganisation can still undo.',
    }),
    maxFeeGwei: Type.Number({
      default: 200,
      exclusiveMinimum: 0,
      description:
        'Highest fee per gas offered, in gwei. While the chain asks more, anchors wait; no reading does.',
      attack: 'A high value lets fees eat the balance.',
    }),
    pollSeconds: seconds({ default: 4, description: 'How often the chain is asked for news.' }),
  },
  closed,
);
