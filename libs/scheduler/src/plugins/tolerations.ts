import type { Taint, Toleration } from '#libs/client';

/** core/v1 Toleration.ToleratesTaint, with the numeric operators of KEP-5471. */
export function tolerates(
  { key = '', operator, value = '', effect = '' }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  if (key === '') return false;
  const actual = taint.value ?? '';
  if (operator === 'Lt' || operator === 'Gt') {
    if (!/^-?[0-9]+$/.test(actual) || !/^-?[0-9]+$/.test(value)) return false;
    return operator === 'Lt' ? BigInt(actual) < BigInt(value) : BigInt(actual) > BigInt(value);
  }
  return value === actual;
}

/** The first taint that keeps pods away and is not tolerated. */
export function untoleratedTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): Taint | undefined {
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!tolerations.some((toleration) => tolerates(toleration, taint))) return taint;
  }
  return undefined;
}
