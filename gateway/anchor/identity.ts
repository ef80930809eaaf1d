/** Whether what stands on the chain is ours to anchor in, and what to do when it is not. */
import { getAddress } from 'ethers';
import { equalBytes } from '../../src/bytes.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorTarget } from '../ports.ts';
import type { LogIdentity } from './chain.ts';
import { toHex } from './ethers-contract.ts';

/**
 * @param who - whose word it is, as the subject of a sentence: `the node at ...`
 * @throws GatewayError `chain-mismatch`, fatal when the chain itself is another one: what we would send there must
 *   not be sent at all. The rest may come right without us.
 */
export function assertOurs(
  identity: LogIdentity,
  target: AnchorTarget,
  sender: Uint8Array,
  who: string,
): void {
  const contract = getAddress(toHex(target.contract));
  const logId = toHex(target.logId);
  switch (identity.kind) {
    case 'other-chain':
      throw new GatewayError(
        'chain-mismatch',
        `${who} on chain ${identity.chainId}, this gateway is configured for chain ${target.chainId}: ` +
          'correct the RPC URL or the chain id',
        { fatal: true },
      );
    case 'no-contract':
      throw mismatch(
        `there is no contract at ${contract} on chain ${target.chainId}: ` +
          'deploy it or correct the contract address; a node that is still syncing says so too',
      );
    case 'unknown-log':
      throw mismatch(`the log ${logId} was never opened in ${contract}: open it or correct the log id`);
    case 'open':
      if (equalBytes(identity.operator, sender)) return;
      throw mismatch(
        `the operator of log ${logId} is ${getAddress(toHex(identity.operator))}, this gateway's key is ${getAddress(toHex(sender))}: ` +
          'use the key of the operator, or have the owner make this key the operator ' +
          '(vitalseal contract propose-operator, then accept-operator)',
      );
  }
}

/** In a few words, for an error that lists what several nodes said. */
export function showIdentity(identity: LogIdentity): string {
  switch (identity.kind) {
    case 'other-chain':
      return `chain ${identity.chainId}`;
    case 'no-contract':
      return 'no contract there';
    case 'unknown-log':
      return 'a log never opened';
    case 'open':
      return `the operator ${getAddress(toHex(identity.operator))}`;
  }
}

function mismatch(message: string): GatewayError {
  return new GatewayError('chain-mismatch', message);
}
