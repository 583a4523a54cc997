import { formatTime, type Condition } from '#libs/client';

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/**
 * The list with `next` in it. Its transition time is kept from the condition it replaces while the status is the
 * same; an unchanged condition (status, reason, message) leaves the list as it was.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
  options: { readonly updateTime?: boolean; readonly probeTime?: boolean } = {},
): Condition[] {
  const list = [...(conditions ?? [])];
  const at = list.findIndex((condition) => condition.type === next.type);
  const previous = list[at];
  const now = formatTime(nowMs);
  if (
    previous?.status === next.status &&
    previous.reason === next.reason &&
    previous.message === next.message
  ) {
    return list;
  }
  const condition: Condition = {
    ...next,
    lastTransitionTime: previous?.status === next.status ? (previous.lastTransitionTime ?? now) : now,
    ...(options.updateTime === true ? { lastUpdateTime: now } : {}),
    ...(options.probeTime === true ? { lastProbeTime: now } : {}),
  };
  if (at === -1) list.push(condition);
  else list[at] = condition;
  return list;
}
