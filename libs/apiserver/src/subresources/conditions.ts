/** A condition as pods and others carry it in their status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastProbeTime?: string | null;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

/** The conditions with one set: its transition time moves only when its status does. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  condition: Condition,
  now: string,
): readonly Condition[] {
  const before = (conditions ?? []).find(({ type }) => type === condition.type);
  const lastTransitionTime =
    before !== undefined && before.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  const set: Condition = { lastProbeTime: null, ...condition, lastTransitionTime };
  if (before === undefined) return [...(conditions ?? []), set];
  return (conditions ?? []).map((each) => (each === before ? set : each));
}
