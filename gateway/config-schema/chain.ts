/** The chain that anchors the log. */
import Type from 'typebox';
import { ADDRESS, closed, count, HEX_32, seconds, text } from './setting.ts';

const chainSigner = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://',
      example: 'http://127.0.0.1:9000',
      description:
        'JSON-RPC endpoint of a signer that holds the operator account, such as web3signer or clef. What it signs is compared with what it was asked for.',
      attack:
        'Another signer cannot change an anchor or hold the account; it can refuse to sign, which delays anchors.',
    }),
    address: Type.String({
      pattern: ADDRESS,
      example: `0x${'5f'.repeat(20)}`,
      description: 'Address of the operator account in the signer.',
      attack: 'With another address than the log’s operator nothing is anchored.',
    }),
    method: Type.Enum(['eth_signTransaction', 'account_signTransaction'], {
      default: 'eth_signTransaction',
      description: 'What the signer calls it: clef takes account_signTransaction.',
    }),
    timeoutSeconds: seconds({
      default: 10,
      description:
        'How long to wait for a signature. Longer where a person approves each one; no reading waits for it.',
    }),
  },
  closed,
);

export const chain = Type.Object(
  {
    rpcUrls: Type.Array(Type.String({ pattern: '^https?://', example: 'https://rpc.example.org' }), {
      minItems: 1,
      maxItems: 8,
      description:
        'JSON-RPC endpoints of the chain, each on a host of its own: one, or three and more that do not depend on each other. Two do less than one, since both must answer.',
      attack:
        'Endpoints that lie alike, as many as chain.quorum, can delay or end anchoring and show false finality to this gateway and a false beacon to devices, not to verifiers. Fewer change nothing.',
    }),
    quorum: Type.Optional(
      count({
        maximum: 8,
        description: 'How many endpoints must agree; without it, and at the least, more than half of them.',
        attack: 'A high value lets few endpoints that are away stop anchoring.',
      }),
    ),
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
    keystoreFile: Type.Optional(
      text({
        description:
          'Encrypted keystore (JSON) of the operator account. Either this and chain.passwordFile, or chain.signer.',
      }),
    ),
    passwordFile: Type.Optional(
      text({
        description: 'File with the password of the keystore.',
        attack:
          'With both files anchors can be made in this log’s name; the contract still refuses any that rewrite history.',
      }),
    ),
    signer: Type.Optional(chainSigner),
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
    transactions: Type.Enum(['auto', 'eip1559', 'legacy'], {
      default: 'auto',
      description:
        'Form of the transactions: with the fees of EIP-1559 (type 2), with one gas price (type 0), or the former where blocks have a base fee and the latter where they have none.',
    }),
    maxFeeGwei: Type.Number({
      default: 200,
      minimum: 0,
      description:
        'Highest fee per gas offered, in gwei. While the chain asks more, anchors wait; no reading does. 0 on a chain where gas is free: then the account needs no ether.',
      attack: 'A high value lets fees eat the balance.',
    }),
    preferredFeeGwei: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description:
          'Fee per gas, tip included, that one would like to pay. While gas costs more, anchors wait, up to chain.preferredFeeWaitSeconds.',
        attack: 'A low value delays anchors as long as the wait allows.',
      }),
    ),
    preferredFeeWaitSeconds: count({
      default: 21_600,
      maximum: 2_592_000,
      description:
        'Longest time from one anchor to the next that is waited for chain.preferredFeeGwei; then anything up to chain.maxFeeGwei is paid.',
      attack: 'A high value delays anchors for so long.',
    }),
    anchorEveryEntries: Type.Optional(
      count({
        description:
          'A checkpoint also after so many entries, beside checkpointEverySeconds. Then the moments of anchoring follow the number of readings, and the chain shows for ever when devices are worn: only for a gateway of very many.',
        attack: 'A low value shows who wears a device when, and spends the balance.',
      }),
    ),
    lowBalanceDays: count({
      default: 14,
      minimum: 0,
      maximum: 3_650,
      description:
        'Warn when the account pays for fewer days of anchors, at their present cost and cadence; 0 never does.',
      attack: 'At 0 the account runs dry without a warning.',
    }),
    pollSeconds: seconds({ default: 4, description: 'How often the chain is asked for news.' }),
  },
  closed,
);
