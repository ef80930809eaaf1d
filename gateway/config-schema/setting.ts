/** What every part of the schema is made of. */
import Type, { type TSchemaOptions } from 'typebox';

interface Setting extends TSchemaOptions {
  readonly description: string;
  readonly attack?: string;
  /** What would match the pattern, told to whom it did not. */
  readonly example?: string;
}

/** For an object that refuses unknown keys. */
export const closed = { additionalProperties: false };
export const text = (setting: Setting) => Type.String({ minLength: 1, ...setting });
export const port = (setting: Setting) => Type.Integer({ minimum: 0, maximum: 65_535, ...setting });
export const count = (setting: Setting & { minimum?: number; maximum?: number }) =>
  Type.Integer({ minimum: 1, ...setting });
export const seconds = (setting: Setting) => Type.Number({ minimum: 0.05, maximum: 86_400, ...setting });

/** Names in logs, metrics and requests. */
export const NAME = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';
export const HEX_32 = '^0x[0-9a-fA-F]{64}$';
export const ADDRESS = '^0x[0-9a-fA-F]{40}$';
