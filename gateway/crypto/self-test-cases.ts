/**
 * The signatures that a library is asked about before it is used, from the generated corpus (src/signature/testing): on these
 * libraries differ. Written out because the corpus is made with the reference, which is not loaded for this.
 */
import type { Algorithm } from '../../src/cose/algorithm.ts';

/** As in docs/vectors/signatures.json: bytes are hexadecimal. */
export interface SelfTestCase {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly valid: boolean;
}

export const SELF_TEST_CASES: readonly SelfTestCase[] = [
  {
    name: 'Ed25519 good, from bare scalars',
    algorithm: 'Ed25519',
    publicKey: 'e41e8090cf421908c7b328025f94db86fe187b44591bd50349bc75aea2549121',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '037438a20413dee6a06ea1eaae936e9e86c93b2d17b0de95fd79d33b24189a83c90cfb25c85b9b3a2899b203af947026348edef103c54d34ffaecd72e1a67909',
    valid: true,
  },
  {
    name: 'Ed25519 another message',
    algorithm: 'Ed25519',
    publicKey: '8146640f02493af4fbc54fe33388e75dc2c937ae0b7727cc2b2afb1b75199a3e',
    message: '7b697874792062656174732061206d696e757465',
    signature:
      '25b504913b388be746de854f5aec01f91c10c8fa6db8cae6fc1bf4d90ca56d592c5a4c5c02e751983dc61add96b1ef514a83970fa7f4d6ac502208911d924d04',
    valid: false,
  },
  {
    name: 'Ed25519 S + 1L',
    algorithm: 'Ed25519',
    publicKey: '8146640f02493af4fbc54fe33388e75dc2c937ae0b7727cc2b2afb1b75199a3e',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '25b504913b388be746de854f5aec01f91c10c8fa6db8cae6fc1bf4d90ca56d59192e42b91c4a64f01363128075abce664a83970fa7f4d6ac502208911d924d14',
    valid: false,
  },
  {
    name: 'Ed25519 small-order A T0, good R',
    algorithm: 'Ed25519',
    publicKey: '0100000000000000000000000000000000000000000000000000000000000000',
    message: '6d6573736167652030',
    signature:
      '037438a20413dee6a06ea1eaae936e9e86c93b2d17b0de95fd79d33b24189a833f45ff20a3e25e01000000000000000000000000000000000000000000000000',
    valid: false,
  },
  {
    name: 'Ed25519 small-order A y=1+p, good R',
    algorithm: 'Ed25519',
    publicKey: 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    message: '6d6573736167652030',
    signature:
      '037438a20413dee6a06ea1eaae936e9e86c93b2d17b0de95fd79d33b24189a833f45ff20a3e25e01000000000000000000000000000000000000000000000000',
    valid: false,
  },
  {
    name: 'Ed25519 small-order R T0',
    algorithm: 'Ed25519',
    publicKey: 'e41e8090cf421908c7b328025f94db86fe187b44591bd50349bc75aea2549121',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '0100000000000000000000000000000000000000000000000000000000000000600bbb65189b0ae3c5ea5a2d1ef1239cc80e17f11e9e533eba4595c278d09900',
    valid: false,
  },
  {
    name: 'Ed25519 A with torsion 0, R with torsion 1: cofactored only',
    algorithm: 'Ed25519',
    publicKey: 'e41e8090cf421908c7b328025f94db86fe187b44591bd50349bc75aea2549121',
    message: '6d6573736167652030',
    signature:
      '10c41464f89003e126822bfd78b269641461b2b30032b7ec9e41cde72ce9d0ed7db0abd259d593cb2f9ca53ea676ac1a5420107763af325bc50cdfc7ca81a102',
    valid: false,
  },
  {
    name: 'Ed25519 A with torsion, challenge reduced',
    algorithm: 'Ed25519',
    publicKey: 'e277e99d6c85b59bcfb69acb0b82e20806fe382e4c29bd935a321059ef6e4277',
    message: '6d657373616765203235',
    signature:
      '037438a20413dee6a06ea1eaae936e9e86c93b2d17b0de95fd79d33b24189a830fcee52ddbe57062089d231fc16f8dfc9322ba44bd18c03dd881806aadf48002',
    valid: true,
  },
  {
    name: 'ESP256 low s',
    algorithm: 'ESP256',
    publicKey:
      '04335fa69897defd1a392084bcd4b6a9efdb529a7ad174f8acd04ce58b4593873537551a09ca03aeb2c9bf34f7ef859b43016e18967010cb73614b6a817130b068',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '3560d92c3525dee2bbe68d3f2ff24d1340103c2ddfb9d0f3eafa531f26ea6c2112d7ec011d4031f4cfe28305e92bd6024ca3868d98bb8d17f44f41d5313699e3',
    valid: true,
  },
  {
    name: 'ESP256 high s',
    algorithm: 'ESP256',
    publicKey:
      '04335fa69897defd1a392084bcd4b6a9efdb529a7ad174f8acd04ce58b4593873537551a09ca03aeb2c9bf34f7ef859b43016e18967010cb73614b6a817130b068',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '3560d92c3525dee2bbe68d3f2ff24d1340103c2ddfb9d0f3eafa531f26ea6c21ed2813fde2bfce0c301d7cfa16d429fd704374200e5c116cff6a88edcb2c8b6e',
    valid: true,
  },
  {
    name: 'ESP256 another message',
    algorithm: 'ESP256',
    publicKey:
      '04335fa69897defd1a392084bcd4b6a9efdb529a7ad174f8acd04ce58b4593873537551a09ca03aeb2c9bf34f7ef859b43016e18967010cb73614b6a817130b068',
    message: '7b697874792062656174732061206d696e757465',
    signature:
      '3560d92c3525dee2bbe68d3f2ff24d1340103c2ddfb9d0f3eafa531f26ea6c2112d7ec011d4031f4cfe28305e92bd6024ca3868d98bb8d17f44f41d5313699e3',
    valid: false,
  },
  {
    name: 'ESP256 x above n 0',
    algorithm: 'ESP256',
    publicKey:
      '04811f996b2e7b5fcdcb3a0db80de08748b12b05451d9fa4d36a94582712e0eb338d2a67c97993a203ed6e49d67d5aeb8827304d2e18294427c0211878fc90d32e',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '000000000000000000000000000000000000000000000000000000000000000300000000005ec3e70123456789abcdef0123456789abcdef0123456789abcdef',
    valid: true,
  },
  {
    name: 'ESP256 x above n 0, not reduced',
    algorithm: 'ESP256',
    publicKey:
      '04811f996b2e7b5fcdcb3a0db80de08748b12b05451d9fa4d36a94582712e0eb338d2a67c97993a203ed6e49d67d5aeb8827304d2e18294427c0211878fc90d32e',
    message: '73697874792062656174732061206d696e757465',
    signature:
      'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63255400000000005ec3e70123456789abcdef0123456789abcdef0123456789abcdef',
    valid: false,
  },
  {
    name: 'ESP256 u1 G + u2 Q at infinity, s 9',
    algorithm: 'ESP256',
    publicKey:
      '043b27554cc540d9c586eb16e81d729405ece148876fd070de496e65d8ef407e02a71530e70a6bb934cd7df5830ffe643711e82b016808b7880a9234674567f1d3',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '3560d92c3525dee2bbe68d3f2ff24d1340103c2ddfb9d0f3eafa531f26ea6c210000000000000000000000000000000000000000000000000000000000000009',
    valid: false,
  },
  {
    name: 'ESP256 key with y + 1',
    algorithm: 'ESP256',
    publicKey:
      '04335fa69897defd1a392084bcd4b6a9efdb529a7ad174f8acd04ce58b4593873537551a09ca03aeb2c9bf34f7ef859b43016e18967010cb73614b6a817130b069',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '3560d92c3525dee2bbe68d3f2ff24d1340103c2ddfb9d0f3eafa531f26ea6c2112d7ec011d4031f4cfe28305e92bd6024ca3868d98bb8d17f44f41d5313699e3',
    valid: false,
  },
  {
    name: 'ES256K low s',
    algorithm: 'ES256K',
    publicKey:
      '0494b9a1ccd68256fb47a6218e6a227f28504bf1a3d5d0db765620bf5014d7d5f9658511a06a00ee931096e933382020a29c7319c5a72d0ed7a1ce0014b80042e7',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '0a61cf2d528e98b73039649bb5d13be9cd62c6f092773f753cf6bf326bfb62d427cdab69d950fe29ee033622c2104d0de6c0ab7ac8a60ccbfe0e4aae153bb8e6',
    valid: true,
  },
  {
    name: 'ES256K high s',
    algorithm: 'ES256K',
    publicKey:
      '0494b9a1ccd68256fb47a6218e6a227f28504bf1a3d5d0db765620bf5014d7d5f9658511a06a00ee931096e933382020a29c7319c5a72d0ed7a1ce0014b80042e7',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '0a61cf2d528e98b73039649bb5d13be9cd62c6f092773f753cf6bf326bfb62d4d832549626af01d611fcc9dd3defb2f0d3ee316be6a2936fc1c413debafa885b',
    valid: true,
  },
  {
    name: 'ES256K another message',
    algorithm: 'ES256K',
    publicKey:
      '0494b9a1ccd68256fb47a6218e6a227f28504bf1a3d5d0db765620bf5014d7d5f9658511a06a00ee931096e933382020a29c7319c5a72d0ed7a1ce0014b80042e7',
    message: '7b697874792062656174732061206d696e757465',
    signature:
      '0a61cf2d528e98b73039649bb5d13be9cd62c6f092773f753cf6bf326bfb62d427cdab69d950fe29ee033622c2104d0de6c0ab7ac8a60ccbfe0e4aae153bb8e6',
    valid: false,
  },
  {
    name: 'ES256K x above n 0',
    algorithm: 'ES256K',
    publicKey:
      '04d5a4534cfd234a0cfd6f3af916cf8a8b5dfd8288c0095151620bd21e97fc6d042394f49d33749fa1a61685c02e14943aaef34367c1165888eef4f4669928b5dd',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '000000000000000000000000000000000000000000000000000000000000000200000000005ec3e70123456789abcdef0123456789abcdef0123456789abcdef',
    valid: true,
  },
  {
    name: 'ES256K x above n 0, not reduced',
    algorithm: 'ES256K',
    publicKey:
      '04d5a4534cfd234a0cfd6f3af916cf8a8b5dfd8288c0095151620bd21e97fc6d042394f49d33749fa1a61685c02e14943aaef34367c1165888eef4f4669928b5dd',
    message: '73697874792062656174732061206d696e757465',
    signature:
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036414300000000005ec3e70123456789abcdef0123456789abcdef0123456789abcdef',
    valid: false,
  },
  {
    name: 'ES256K u1 G + u2 Q at infinity, s 9',
    algorithm: 'ES256K',
    publicKey:
      '041bef6dc70d6cfa2212a9649fbeb3083962e99978a27c574ba19bdb861d925bd0c7d6dd5d93cddf9a675550e21991eec1e3ee1b98be3884ae96407cde67ee609a',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '0a61cf2d528e98b73039649bb5d13be9cd62c6f092773f753cf6bf326bfb62d40000000000000000000000000000000000000000000000000000000000000009',
    valid: false,
  },
  {
    name: 'ES256K key with y + 1',
    algorithm: 'ES256K',
    publicKey:
      '0494b9a1ccd68256fb47a6218e6a227f28504bf1a3d5d0db765620bf5014d7d5f9658511a06a00ee931096e933382020a29c7319c5a72d0ed7a1ce0014b80042e8',
    message: '73697874792062656174732061206d696e757465',
    signature:
      '0a61cf2d528e98b73039649bb5d13be9cd62c6f092773f753cf6bf326bfb62d427cdab69d950fe29ee033622c2104d0de6c0ab7ac8a60ccbfe0e4aae153bb8e6',
    valid: false,
  },
];
