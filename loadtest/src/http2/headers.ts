/**
 * The little of HPACK (RFC 7541) that a load client needs: it writes requests from the static table without
 * compression, and of an answer it reads the status alone. Its SETTINGS forbid the server a dynamic table.
 */

const methods: Readonly<Record<string, number>> = { GET: 0x82, POST: 0x83 };
const schemeHttps = 0x87;
const names = { authority: 1, method: 2, path: 4, accept: 19, contentLength: 28, contentType: 31 };

/** An integer with an n-bit prefix (§5.1), its first byte's other bits given. */
function integer(value: number, prefixBits: number, first: number): number[] {
  const limit = 2 ** prefixBits - 1;
  if (value < limit) return [first | value];
  const bytes = [first | limit];
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** A literal field without indexing (§6.2.2) whose name stands in the static table. Latin-1 text. */
function literal(name: number, value: string): Buffer {
  const head = [...integer(name, 4, 0), ...integer(value.length, 7, 0)];
  const field = Buffer.alloc(head.length + value.length);
  field.set(head);
  field.write(value, head.length, 'latin1');
  return field;
}

/** The fields that all requests of a client share. */
export function encodeConstantFields(authority: string): Buffer {
  return Buffer.concat([
    Buffer.of(schemeHttps),
    literal(names.authority, authority),
    literal(names.accept, 'application/json'),
  ]);
}

/** The header block of one request. Pseudo-fields come first, as RFC 9113 demands. */
export function encodeRequest(
  constantFields: Buffer,
  method: string,
  path: string,
  body?: { readonly type: string; readonly length: number },
): Buffer {
  const known = methods[method];
  const parts = [
    known === undefined ? literal(names.method, method) : Buffer.of(known),
    literal(names.path, path),
    constantFields,
  ];
  if (body !== undefined) {
    parts.push(literal(names.contentType, body.type), literal(names.contentLength, String(body.length)));
  }
  return Buffer.concat(parts);
}

/** Values of `:status` that the static table holds at 8 to 14. */
const indexedStatuses = [200, 204, 206, 304, 400, 404, 500];
const statusIndex = 8;
const isStatusIndex = (index: number): boolean =>
  index >= statusIndex && index < statusIndex + indexedStatuses.length;

/** The status of an answer's header block: its first field. Throws when the block begins otherwise. */
export function decodeStatus(block: Buffer): number {
  let at = 0;
  // Updates of the dynamic table's size (§6.3) may come first.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at = afterInteger(block, at, 5);
  const first = block[at] ?? 0;
  if (first >= 0x80) {
    const status = indexedStatuses[(first & 0x7f) - statusIndex];
    if (status !== undefined) return status;
  }
  // Literal with, without or never indexed: the name's index stands in six or four bits.
  const name = first >= 0x40 ? first & 0x3f : first & 0x0f;
  if (first >= 0x80 || !isStatusIndex(name))
    throw new Error(`the answer does not begin with its status: ${block.toString('hex', 0, 16)}`);
  const length = (block[at + 1] ?? 0) & 0x7f;
  const text = block.subarray(at + 2, at + 2 + length);
  return Number(((block[at + 1] ?? 0) & 0x80) === 0 ? text.toString('latin1') : huffmanDigits(text));
}

/** Where the integer with an n-bit prefix at `at` ends. */
function afterInteger(block: Buffer, at: number, prefixBits: number): number {
  const limit = 2 ** prefixBits - 1;
  if (((block[at] ?? 0) & limit) < limit) return at + 1;
  let end = at + 1;
  while (((block[end] ?? 0) & 0x80) !== 0) end++;
  return end + 1;
}

/** Digits in HPACK's Huffman code (appendix B): 0, 1 and 2 have five bits, 3 to 9 six. Three of them are a status. */
function huffmanDigits(text: Buffer): string {
  let bits = '';
  for (const byte of text) bits += byte.toString(2).padStart(8, '0');
  let digits = '';
  for (let at = 0; digits.length < 3;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    const short = five <= 2;
    digits += short ? five : Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3;
    at += short ? 5 : 6;
  }
  return digits;
}
