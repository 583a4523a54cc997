import type { Compare } from './types.js';

/** Orders values byte by byte; a value that another begins with comes before it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** Whether a difference, as a sorting function gives it, is what a compare's operator wants. */
export function ordered(sign: number, operator: Compare['operator']): boolean {
  switch (operator) {
    case '=':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '>':
      return sign > 0;
  }
}
