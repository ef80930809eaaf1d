/** A statement in words people can read. */
import { formatDecimal } from '../src/decimal.ts';
import { SENML_CONTENT_FORMAT } from '../src/payload.ts';
import { decodeSenml, type ResolvedRecord, resolveSenml } from '../src/senml.ts';
import type { Statement } from '../src/statement.ts';

const READINGS_SHOWN = 8;

/** Who said it, when by its own clock, and the first readings. */
export function describeStatement(statement: Statement, index: number | undefined): string {
  const { issuer, subject, boot, seq, issuedAt, contentType, payload, algorithm } = statement;
  const clock =
    issuedAt === undefined
      ? 'device clock not set'
      : `device clock ${new Date(issuedAt * 1000).toISOString()}`;
  const place = index === undefined ? '' : `, log index ${index}`;
  const head = `${issuer} stream ${subject}, boot ${boot} seq ${seq}${place}, ${clock}, signed with ${algorithm}`;
  if (contentType !== SENML_CONTENT_FORMAT) return `${head}\n  ${payload.length} bytes of ${contentType}`;
  const pack = decodeSenml(payload);
  if (pack.kind === 'reject') return `${head}\n  unreadable payload: ${pack.detail}`;
  const records = resolveSenml(pack.value, issuedAt);
  const lines = records.slice(0, READINGS_SHOWN).map(recordLine);
  const more = records.length - lines.length;
  return [head, ...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

function recordLine({ name, unit = '', value, time }: ResolvedRecord): string {
  const seconds = Number(formatDecimal(time.seconds));
  const when =
    time.kind === 'absolute' ? new Date(seconds * 1000).toISOString() : `${seconds} s after no known moment`;
  return `  ${name} ${valueText(value)} ${unit} at ${when}`;
}

function valueText(value: ResolvedRecord['value']): string {
  switch (value?.kind) {
    case 'number':
      return formatDecimal(value.value);
    case 'data':
      return `${value.value.length} bytes of samples`;
    case 'string':
    case 'boolean':
      return String(value.value);
    default:
      return '';
  }
}
