/** What one pass over JSON text finds out without parsing it. */
export interface JsonShape {
  /** Object keys in the whole text, repeated ones counted each time. */
  readonly keys: number;
  readonly maxDepth: number;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/**
 * Counts keys and depth. Duplicate keys show as a text that has more keys than the object parsed from it, which is far
 * cheaper than remembering every key. The text need not be valid JSON: nothing is thrown.
 */
export function scanJson(text: string): JsonShape {
  let keys = 0;
  let depth = 0;
  let maxDepth = 0;
  const length = text.length;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      for (at++; at < length; at++) {
        const inner = text.charCodeAt(at);
        if (inner === quote) break;
        if (inner === backslash) at++;
      }
    } else if (code === colon) keys++;
    else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) maxDepth = depth;
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
  return { keys, maxDepth };
}

/** Keys of a parsed value, all levels. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += countKeys(item);
    return keys;
  }
  for (const key in value) keys += 1 + countKeys((value as Record<string, unknown>)[key]);
  return keys;
}

interface Frame {
  readonly seen: Set<string> | undefined;
  readonly path: string;
  index: number;
}

/** More than these help nobody, and a hostile body may have any number. */
const maxFound = 100;

/**
 * Paths of the duplicate fields, e.g. `spec.containers[0].name`, each once, in the order of the text, at most 100. Slow, and only for
 * valid JSON: call it when the count of keys says that there are some.
 */
export function duplicateFields(text: string): string[] {
  const found = new Set<string>();
  const frames: Frame[] = [];
  let pendingPath = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const top = frames.at(-1);
    if (code === quote) {
      const start = at;
      for (at++; text.charCodeAt(at) !== quote; at++) if (text.charCodeAt(at) === backslash) at++;
      let next = at + 1;
      while (/\s/.test(text[next] ?? '')) next++;
      if (text.charCodeAt(next) !== colon || top?.seen === undefined) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      pendingPath = top.path === '' ? key : `${top.path}.${key}`;
      if (top.seen.has(key)) found.add(pendingPath);
      if (found.size === maxFound) break;
      top.seen.add(key);
    } else if (code === openBrace || code === openBracket) {
      const path =
        top === undefined ? '' : top.seen === undefined ? `${top.path}[${top.index}]` : pendingPath;
      frames.push({ seen: code === openBrace ? new Set() : undefined, path, index: 0 });
    } else if (code === closeBrace || code === closeBracket) frames.pop();
    else if (code === 0x2c && top !== undefined) top.index++;
  }
  return [...found];
}
