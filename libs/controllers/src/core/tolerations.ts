import type { Taint, Toleration } from '#libs/client';

/** Whether a toleration covers a taint: an empty key with Exists covers all keys, an empty effect all effects. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', effect = '', value = '' } = toleration;
  const operator =
    toleration.operator === undefined || toleration.operator === '' ? 'Equal' : toleration.operator;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  if (operator === 'Equal') return key !== '' && value === (taint.value ?? '');
  const wanted = Number(value);
  const actual = Number(taint.value);
  if (!Number.isInteger(wanted) || !Number.isInteger(actual)) return false;
  return operator === 'Lt' ? actual < wanted : actual > wanted;
}

/** The first taint with one of `effects` that no toleration covers. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly Taint['effect'][],
): Taint | undefined {
  return taints.find(
    (taint) =>
      effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
