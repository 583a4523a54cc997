import { ApiError } from '../errors/api-error.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Uint8Array(128).fill(255);
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const left = bytes.length - i;
    text += alphabet[a >> 2]! + alphabet[((a & 3) << 4) | (b >> 4)]!;
    text += left > 1 ? alphabet[((b & 15) << 2) | (c >> 6)]! : '=';
    text += left > 2 ? alphabet[c & 63]! : '=';
  }
  return text;
}

/** Standard alphabet with padding, line breaks allowed, as Go reads []byte from JSON. Throws ApiError 400. */
export function decodeBase64(text: string): Uint8Array {
  const compact = text.replace(/[\r\n]/g, '');
  const unpadded = compact.replace(/={1,2}$/, '');
  const bytes = new Uint8Array(Math.floor((unpadded.length * 3) / 4));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < unpadded.length; i++) {
    const value = values[unpadded.charCodeAt(i)] ?? 255;
    if (value === 255) throw new ApiError(400, 'BadRequest', `illegal base64 data at input byte ${i}`);
    buffer = ((buffer << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = buffer >> bits;
    }
  }
  if (compact.length % 4 !== 0) {
    throw new ApiError(400, 'BadRequest', `illegal base64 data at input byte ${compact.length}`);
  }
  return bytes;
}
