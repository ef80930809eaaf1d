/** The names of devices: URNs of RFC 9039. */

const IDENTIFIER = '[A-Za-z0-9.-]+';
const BODY = [
  '(?:mac|ow):(?:[0-9a-f]{2})+',
  `org:[1-9][0-9]*-${IDENTIFIER}(?::${IDENTIFIER})*`,
  `os:[1-9][0-9]*-${IDENTIFIER}(?::${IDENTIFIER})*`,
  `ops:[1-9][0-9]*-[A-Za-z0-9.]+-${IDENTIFIER}(?::${IDENTIFIER})*`,
  `(?!(?:mac|ow|org|os|ops):)[a-z][a-z0-9]*:${IDENTIFIER}(?::${IDENTIFIER})*`,
].join('|');
const DEVICE_URN = new RegExp(`^urn:dev:(?:${BODY})(?:_${IDENTIFIER})*$`);
const MAX_LENGTH = 128;

/**
 * Whether `text` is a device URN of RFC 9039 section 3.2, `urn:dev:` in lower case, at most 128 characters. All its
 * characters are printable ASCII without `/`, `+` and `#`, so it is one level of an MQTT topic and safe in a log line.
 */
export function isDeviceUrn(text: string): boolean {
  return text.length <= MAX_LENGTH && DEVICE_URN.test(text);
}
