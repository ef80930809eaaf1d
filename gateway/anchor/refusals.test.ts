import { expect, test } from 'vitest';
import { readRefusal } from './refusals.ts';

test.each([
  ['already known', 'accepted'],
  ['AlreadyKnown', 'accepted'],
  ['transaction already imported', 'accepted'],
  ['Known transaction', 'accepted'],
  ['nonce too low: next nonce 8, tx nonce 7', 'nonce-used'],
  ['OldNonce, Current nonce: 8, nonce of rejected tx: 7', 'nonce-used'],
  ['replacement transaction underpriced', 'underpriced'],
  ['transaction underpriced: gas tip cap 0, minimum needed 1', 'underpriced'],
  ['max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1', 'underpriced'],
  ['FeeTooLow, MaxFeePerGas too low', 'underpriced'],
  ['INTERNAL_ERROR: could not replace existing tx', 'underpriced'],
  ['ReplacementNotAllowed', 'underpriced'],
  ['Gas price below current base fee', 'underpriced'],
  ['existing tx with same hash', 'accepted'],
  ['insufficient funds for gas * price + value', 'other'],
  ['txpool is full', 'other'],
  ['', 'other'],
])('%j means %s', (detail, meaning) => {
  const result = readRefusal(detail);
  expect(result.kind === 'accepted' ? result.kind : result.reason).toBe(meaning);
});
