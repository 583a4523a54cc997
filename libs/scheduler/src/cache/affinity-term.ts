import { compileLabelSelector, type LabelSelectorObject } from '#libs/apimachinery';
import type { PodAffinityTerm } from '#libs/client';
import type { PodMatch } from './topology-term.js';

type Labels = Readonly<Record<string, string>>;

/**
 * Which pods an affinity term is about: the namespaces named or selected, else the pod's own; the selector, narrowed
 * by the pod's own values of matchLabelKeys and away from those of mismatchLabelKeys (KEP-3633). The API server may
 * have narrowed it already; doing so twice changes nothing.
 */
export function podMatchOf(term: PodAffinityTerm, namespace: string, labels: Labels): PodMatch {
  const object = narrowed(term.labelSelector, labels, term.matchLabelKeys, term.mismatchLabelKeys);
  const selector = compileLabelSelector(object);
  const own = term.namespaceSelector === undefined && (term.namespaces ?? []).length === 0;
  const namespaces = new Set(own ? [namespace] : term.namespaces);
  const namespaceSelector =
    term.namespaceSelector === undefined ? undefined : compileLabelSelector(term.namespaceSelector);
  return {
    text: JSON.stringify([
      [...namespaces].sort(),
      namespaceSelector === undefined ? 0 : [namespaceSelector.toString()],
      selector.toString(),
    ]),
    selector,
    namespaces,
    namespaceSelector,
  };
}

export function narrowed(
  selector: LabelSelectorObject | undefined,
  labels: Labels,
  matchKeys: readonly string[] = [],
  mismatchKeys: readonly string[] = [],
): LabelSelectorObject | undefined {
  if (selector === undefined || matchKeys.length + mismatchKeys.length === 0) return selector;
  const expressions = [...(selector.matchExpressions ?? [])];
  const add = (keys: readonly string[], operator: string): void => {
    for (const key of keys) {
      const own = labels[key];
      if (own !== undefined) expressions.push({ key, operator, values: [own] });
    }
  };
  add(matchKeys, 'In');
  add(mismatchKeys, 'NotIn');
  return { ...selector, matchExpressions: expressions };
}
