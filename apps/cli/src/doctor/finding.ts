export type Verdict = 'ok' | 'warning' | 'failure';

/** What one check has found. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly verdict: Verdict;
  readonly text: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly advice?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, verdict: 'ok', text });
export const warning = (check: string, text: string, advice: string): Finding => ({
  check,
  verdict: 'warning',
  text,
  advice,
});
export const failure = (check: string, text: string, advice: string): Finding => ({
  check,
  verdict: 'failure',
  text,
  advice,
});

/** The verdict of a figure that is better the larger it is (or, where the limits fall, the smaller). */
export function judged(value: number, limits: { readonly warnAt: number; readonly failAt: number }): Verdict {
  const sign = limits.warnAt > limits.failAt ? 1 : -1;
  if (value * sign <= limits.failAt * sign) return 'failure';
  return value * sign <= limits.warnAt * sign ? 'warning' : 'ok';
}

/** Below the figure itself, advice where it is not good. */
export function figure(check: string, text: string, verdict: Verdict, advice: string): Finding {
  return { check, verdict, text, ...(verdict === 'ok' ? {} : { advice }) };
}
