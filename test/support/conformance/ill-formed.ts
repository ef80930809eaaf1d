/** Texts that must not be in a packet, and texts that look as if they must not. */

/** Ends of a string field that no receiver may take [MQTT-1.5.3-1, MQTT-1.5.3-2]: name, bytes in hex. */
export const ILL_FORMED: readonly (readonly [string, string])[] = [
  ['U+0000', '00'],
  ['U+D800', 'eda080'],
  ['U+DFFF', 'edbfbf'],
  ['an overlong slash', 'c0af'],
  ['an overlong U+0000', 'c080'],
  ['a cut-off character', 'e282'],
  ['a stray continuation', '80'],
  ['the byte FF', 'ff'],
  ['a code point above U+10FFFF', 'f4908080'],
];

/** Characters that should not be there; a receiver may close for them and may let them through (section 1.5.3). */
export const CONTROLS: readonly (readonly [string, string])[] = [
  ['U+0001', '01'],
  ['U+001F', '1f'],
  ['U+007F', '7f'],
  ['U+009F', 'c29f'],
  ['U+FFFF', 'efbfbf'],
];
