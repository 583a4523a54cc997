const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 of a text's UTF-8 bytes. */
export function encodeBase64Text(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    const bits = (bytes[at]! << 16) | ((b ?? 0) << 8) | (c ?? 0);
    out += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!;
    out += b === undefined ? '=' : alphabet[(bits >> 6) & 63]!;
    out += c === undefined ? '=' : alphabet[bits & 63]!;
  }
  return out;
}

/** The text whose UTF-8 bytes are given; decoding has checked that it is base64. */
export function decodeBase64Text(base64: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of base64) {
    const value = alphabet.indexOf(character);
    if (value === -1) break;
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 255);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
