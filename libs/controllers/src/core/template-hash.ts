const alphanums = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a, 32 bits. */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash;
}

/** Digits as characters that spell no words (apimachinery's rand.SafeEncodeString). */
export function safeEncode(text: string): string {
  let encoded = '';
  for (const character of text) encoded += alphanums[character.charCodeAt(0) % alphanums.length] ?? '';
  return encoded;
}

/** Names a template: equal templates have equal hashes whatever the order of their keys. */
export function templateHash(template: unknown, collisionCount?: number): string {
  const suffix = collisionCount === undefined ? '' : `/${collisionCount}`;
  return safeEncode(String(fnv32a(canonicalJson(template) + suffix)));
}

/** JSON with sorted keys; absent fields and undefined ones are the same. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const source = value as Record<string, unknown>;
  const parts: string[] = [];
  for (const key of Object.keys(source).toSorted()) {
    if (source[key] !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(source[key])}`);
  }
  return `{${parts.join(',')}}`;
}
