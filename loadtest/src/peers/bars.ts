import type { BenchReport } from '../report/schema.js';
import { spread } from '../stats.js';

/** What a row must reach: against the peer (Trireme's figure ÷ the peer's), or by itself. */
export type Bar =
  | { readonly kind: 'ratio'; readonly atLeast: number }
  | { readonly kind: 'ratio'; readonly atMost: number }
  | { readonly kind: 'figure'; readonly atLeast: number }
  | { readonly kind: 'figure'; readonly atMost: number };

export interface RowDefinition {
  readonly row: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Undefined: a figure to look at, such as the growth of a cost. */
  readonly bar?: Bar;
}

type Judged = BenchReport['rows'][number]['bar'];

/** The bar of a row in words, and whether the medians reach it; null when there is none, or no peer to hold it against. */
export function judgeBar(
  { bar, unit }: RowDefinition,
  trireme: readonly number[],
  peer: readonly number[],
): Judged {
  if (bar === undefined || trireme.length === 0) return null;
  const sign = 'atLeast' in bar ? '≥' : '≤';
  const limit = 'atLeast' in bar ? bar.atLeast : bar.atMost;
  const holds = (value: number): boolean => ('atLeast' in bar ? value >= limit : value <= limit);
  if (bar.kind === 'figure') {
    return { text: `${sign}${limit.toLocaleString('en-US')} ${unit}`, ok: holds(spread(trireme).median) };
  }
  if (peer.length === 0) return null;
  const text = `${sign}${limit < 1 && limit !== 0.5 && limit !== 0.3 ? `1/${Math.round(1 / limit)}` : limit}×`;
  return { text, ok: holds(spread(trireme).median / spread(peer).median) };
}
