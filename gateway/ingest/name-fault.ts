/** The names in a CONNECT: the device's, and the topic of its will. */
import { isDeviceUrn } from '../../src/statement.ts';
import { type ConnectFields, RETURN_CODE } from './packet-rules.ts';
import { statementsTopic } from './topics.ts';

/** Why a CONNECT cannot be a device's, whatever it shows for proof. */
export function nameFault({
  username,
  will,
}: ConnectFields): { readonly detail: string; readonly returnCode: number } | undefined {
  if (!isDeviceUrn(username)) {
    return {
      detail: 'the user name must be the URN of the device (urn:dev:...)',
      returnCode: RETURN_CODE.badUserNameOrPassword,
    };
  }
  if (will === undefined || will.topic === statementsTopic(username)) return undefined;
  return {
    detail: 'the will may only be a statement of the device',
    returnCode: RETURN_CODE.notAuthorised,
  };
}
