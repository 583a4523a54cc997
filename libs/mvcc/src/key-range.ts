/**
 * As an exclusive end: no upper bound. The same convention as etcd's; no stored key can lie
 * between a start and this string, so nothing else is lost by it.
 */
export const unboundedEnd = '\0';

/** Orders keys by UTF-16 code unit: never by locale, so that every replica agrees. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The exclusive end of the range that holds exactly the keys with this prefix. */
export function prefixEnd(prefix: string): string {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const unit = prefix.charCodeAt(i);
    if (unit < 0xffff) return prefix.slice(0, i) + String.fromCharCode(unit + 1);
  }
  return unboundedEnd;
}

/** The end that a range without one has: it holds the one key `start`. */
export function effectiveEnd(start: string, end: string | undefined): string {
  return end ?? `${start}\0`;
}

/** Whether `key` lies in [start, end); `end` as given by `effectiveEnd`. */
export function inRange(key: string, start: string, end: string): boolean {
  return key >= start && (end === unboundedEnd || key < end);
}
