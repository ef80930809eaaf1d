/** What a library is asked before its verdicts are relied on: once, at start, in about a millisecond. */

import { hexToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { SELF_TEST_CASES } from './self-test-cases.ts';
import type { SignatureBackend } from './signature-backend.ts';

/** The first answer that is not the rule's, in a sentence for the log; undefined when there is none. */
export function findFault<A extends Algorithm>(
  algorithm: A,
  backend: SignatureBackend<A>,
): string | undefined {
  for (const { name, publicKey, message, signature, valid, ...test } of SELF_TEST_CASES) {
    if (test.algorithm !== algorithm) continue;
    const parts = [publicKey, message, signature].map(hexToBytes) as [Uint8Array, Uint8Array, Uint8Array];
    try {
      if (backend.verify(algorithm, ...parts) !== valid)
        return `it ${valid ? 'refuses' : 'accepts'} the test signature "${name}"`;
    } catch (error) {
      return `it fails on the test signature "${name}": ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}
